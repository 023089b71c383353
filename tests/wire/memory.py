"""What a part of the product remembers: everything that can be reached from it, as the garbage collector sees it."""

from __future__ import annotations

import gc
import types
from collections.abc import Collection

PASSED_BY = (types.ModuleType, type, types.FrameType, types.CoroutineType, types.BuiltinFunctionType)
"""What is everybody's, and what is only under way."""


def remembered(root: object, names: Collection[bytes]) -> set[bytes]:
    """Which of the names are in any text or bytes that can be reached from `root`."""
    gc.collect()
    found: set[bytes] = set()
    seen, left = {id(root)}, [root]
    while left:
        one = left.pop()
        if isinstance(one, str | bytes | bytearray):
            said = one.encode("utf-8", "surrogatepass") if isinstance(one, str) else bytes(one)
            found |= {name for name in names if name in said}
        elif not isinstance(one, PASSED_BY):
            further = one.__closure__ or () if isinstance(one, types.FunctionType) else gc.get_referents(one)
            fields = getattr(type(one), "__struct_fields__", ())  # what a struct outside of the collector's sight holds
            further = [*further, *(getattr(one, field, None) for field in fields if isinstance(fields, tuple))]
            new = [each for each in further if id(each) not in seen]
            seen.update(map(id, new))
            left += new
    return found
