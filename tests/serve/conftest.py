"""What holds for tests of the server."""

from __future__ import annotations

import sys

import pytest
import uvloop

if sys.version_info >= (3, 12):  # whose own loop does not pause who writes lines too fast

    @pytest.fixture(scope="session")
    def event_loop_policy() -> uvloop.EventLoopPolicy:
        """The loop that servers run on."""
        return uvloop.EventLoopPolicy()
