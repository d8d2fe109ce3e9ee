"""Types of the compiled module _held."""
from typing import Any

def held(attributes: dict[str, Any], name: str) -> bool: ...
