"""A middleware of the shop's own."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class SizeMiddleware:
    """Reads each body, as many do. The framework keeps it for the callbacks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # One that is larger than Django keeps is refused.
        size = len(request.body)
        response = self.get_response(request)
        response["X-Request-Size"] = str(size)
        return response
