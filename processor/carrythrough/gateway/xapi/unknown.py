"""What is below a mount and is no resource: refused with the version as well (Communication 3.3.s3.b1)."""

from __future__ import annotations

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.intake import Answer, Request
from carrythrough.gateway.xapi.exchange import Shared, XapiEndpoint


class UnknownResource(XapiEndpoint):
    """Answers 404 to every request, whoever asks."""

    def __init__(self, shared: Shared, names: tuple[str, ...]) -> None:
        """names: of the resources that there are."""
        super().__init__(shared)
        self._names = names

    async def _answer(self, request: Request) -> Answer:
        raise PermanentError(
            Problem(
                code="resource-unknown",
                status=404,
                title="There is no such resource",
                detail=f"{request.path[:200]} is no resource of xAPI",
                where="path",
                rule="Communication Appendix B: the resources of a Learning Record Store",
                fix=f"below {self.shared.mount}/ there are: {', '.join(self._names)}; without a slash at the end",
            )
        )
