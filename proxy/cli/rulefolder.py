"""What `check` and `test` share: a rule folder from disk, its catalogue, and which attributes a store has imported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy.catalogue.products import read_products
from proxy.rulebook.compile import Loaded, load
from proxy.stores import open_store
from proxy.stores.ruledir import read_folder

Command = TypeVar("Command", bound=Callable[..., Any])
A_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def folder_arguments(command: Command) -> Command:
    """Adds DIR, `--catalogue` and `--store`, the arguments of `read_rules`."""
    store = "a store whose imported attributes rules may ask about  (TAILORBIRD_STORE)"
    catalogue = "products as JSON lines  (default: products.jsonl in the folder; TAILORBIRD_CATALOGUE)"
    command = click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help=store)(command)
    command = click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help=catalogue)(command)
    return click.argument("folder", metavar="[DIR]", type=A_FOLDER, default="rules")(command)


def read_rules(folder: Path, catalogue: Path | None, store: str | None) -> Loaded:
    """The folder, checked and compiled."""
    products = read_products(catalogue.read_bytes()).products if catalogue else ()
    imported = asyncio.run(_imported(store)) if store else frozenset[str]()
    return load(read_folder(folder), catalogue=products, imported=imported)


async def _imported(url: str) -> frozenset[str]:
    store = open_store(url)
    try:
        return await store.attribute_names()
    finally:
        await store.aclose()
