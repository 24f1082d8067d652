"""Loads one module from a changed syntax tree wherever it is imported; files stay as they are."""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any


def plant(module: str, path: Path, tree: ast.Module) -> None:
    """From now on this process imports the module from the tree."""
    sys.meta_path.insert(0, _Finder(module, path, tree))


class _Planted(importlib.machinery.SourceFileLoader):
    """Loads a module from a changed tree; its name and its file stay."""

    tree: ast.Module

    def get_code(self, fullname: str) -> CodeType:
        """Return the changed code."""
        return compile(self.tree, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that is changed."""

    def __init__(self, module: str, path: Path, tree: ast.Module) -> None:
        self.loader = _Planted(module, str(path))
        self.loader.tree = tree

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> Any:
        """Answer for that module only."""
        if fullname != self.loader.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.loader.path, loader=self.loader)
