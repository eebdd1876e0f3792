"""How a property that may be absent is declared, so that null is still refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Maybe"]

if TYPE_CHECKING:
    from typing import Optional as Maybe
else:

    class Maybe:
        """`Maybe[T] = None`: T or None for type checkers, plain T for msgspec's decoders.

        A decoder built on `T | None` would let null pass, which xAPI forbids outside extensions.
        """

        def __class_getitem__(cls, item: Any) -> Any:
            """Return the type of the property when it is there."""
            return item
