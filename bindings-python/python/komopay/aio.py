"""The client for asyncio: the same calls as `komopay.Client`, awaited.

The calls run on the package's own threads; the loop is woken once for all that have ended. Cancelling the task, which
is also what `asyncio.timeout` does, releases the caller at once; no further attempt starts, what is on the wire is read
to its end, and the log names the id. It works under uvloop, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

from komopay._native import (
    AccessScope,
    AccessToken,
    Callback,
    Client,
    Money,
    Payout,
    PayoutAccepted,
    PayoutChange,
    PayoutRequest,
)
from komopay._opaque import Opaque

# asyncio is imported where it is used, since whoever has no loop shall not wait for it.
if TYPE_CHECKING:
    import asyncio
    import inspect
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from datetime import datetime, timedelta
    from types import TracebackType
    from typing import ClassVar, Literal, Protocol

    from typing_extensions import Self, Unpack

    from komopay._settings import CommonSettings, Token
    from komopay.catalogue import Balance, MerchantInfo, PaymentOperator, PaymentOption, PayoutOption
    from komopay.waits import WaitedPayout


__all__ = ["AsyncClient"]

_T = TypeVar("_T")

if TYPE_CHECKING:

    class _Call(Protocol[_T]):
        """What a method of `Client._for_event_loop()` gives in truth: a call that was started."""

        future: asyncio.Future[_T]

        def cancel(self) -> None: ...


class _SignatureOfClient:
    """That of `Client`, with its settings and their defaults: looked up when it is asked for."""

    def __get__(self, _client: AsyncClient | None, cls: type[AsyncClient]) -> inspect.Signature:
        import inspect

        # A subclass may take something else.
        if cls.__init__ is not AsyncClient.__init__:
            raise AttributeError("__signature__")
        return inspect.signature(Client)


class AsyncClient:
    """A client of the payout API for asyncio, for any number of tasks and loops.

    It takes the settings of `Client`. A function given as `token` may be an async one, too: it then runs in the event
    loop of the last call.

    Example:

        >>> async def pay() -> Payout:
        ...     async with AsyncClient.from_env() as client:
        ...         await client.create_payout("TST-223350", PayoutRequest(
        ...             money=Money("10000", "IDR"),
        ...             method=BankTransfer(
        ...                 operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344"))))
        ...         return await client.wait_for_payout("TST-223350", timeout=60)
        >>> asyncio.run(pay()).status
        'SUCCESS'
    """

    # With a dict, so that tests can replace a method of one client, as `unittest.mock` does.
    __slots__ = ("__dict__", "_client", "_native", "_provider")

    if TYPE_CHECKING:
        __signature__: ClassVar[inspect.Signature]
    else:
        __signature__ = _SignatureOfClient()

    def __init__(
        self,
        *,
        base_url: str,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        **settings: Unpack[CommonSettings],
    ) -> None:
        self._provider = _Provider(token) if callable(token) else None
        # What raises below shows no setting: a local of this frame, it would stand in every report of the error.
        make = Opaque(Client, base_url=base_url, token=_in_thread(token, self._provider), **settings)
        del base_url, token, settings
        self._client = make()
        self._native = self._client._for_event_loop()

    @classmethod
    def from_env(
        cls,
        *,
        base_url: str | None = None,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        **settings: Unpack[CommonSettings],
    ) -> Self:
        """A client from the environment: KOMOPAY_MERCHANT_CODE, KOMOPAY_SECRET and KOMOPAY_BASE_URL.

        And, if it is set, KOMOPAY_CALLBACK_KEYS: keys that hold no comma, with commas between them.

        Every setting may be given, and then wins. With a token, code and secret are not looked up. A variable that is
        missing is a `ConfigurationError` that names it.

        Example:

            >>> async def currencies() -> list[str]:
            ...     async with AsyncClient.from_env(total_timeout=60) as client:
            ...         return await client.currencies()
            >>> "IDR" in asyncio.run(currencies())
            True
        """
        self = cls.__new__(cls)
        self._provider = _Provider(token) if callable(token) else None
        make = Opaque(Client.from_env, base_url=base_url, token=_in_thread(token, self._provider), **settings)
        del base_url, token, settings
        self._client = make()
        self._native = self._client._for_event_loop()
        return self

    def __setattr__(self, name: str, value: object, /) -> None:
        """Replaces a method of this client, in a test. A setting is no attribute: it would change nothing."""
        if name not in self.__slots__ and not callable(getattr(type(self), name, None)):
            text = f"a client has no method {name} that could be replaced; settings are given when it is made"
            raise AttributeError(text)
        object.__setattr__(self, name, value)

    def with_options(
        self, *, total_timeout: float | timedelta | None = None, headers: Mapping[str, str] | None = None
    ) -> Self:
        """This client with other options; it shares everything with this one. See `Client.with_options`.

        Errors: as for `Client.with_options`.

        Example:

            >>> async def hurried() -> bool:
            ...     async with AsyncClient.from_env() as client:
            ...         hurried = client.with_options(total_timeout=10, headers={"X-Job": "payroll-7"})
            ...         return "IDR" in await hurried.currencies(timeout=5)
            >>> asyncio.run(hurried())
            True
        """
        other = type(self).__new__(type(self))
        other._provider = self._provider
        other._client = self._client.with_options(total_timeout=total_timeout, headers=headers)
        other._native = other._client._for_event_loop()
        return other

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings that this client has, given or not; times in seconds. See `Client.settings`.

        Example:

            >>> AsyncClient.from_env(total_timeout=30).settings["attempt_timeout"]
            15.0
        """
        return self._client.settings

    async def create_payout(
        self, payout_id: str, request: PayoutRequest, *, resume: bool = False, timeout: float | timedelta | None = None
    ) -> PayoutAccepted:
        """Makes a payout, exactly once. Store the id before the first call. See `Client.create_payout`.

        A cancelled create is not undone: what is on the wire is read to its end, and the log names the id. To learn its
        outcome, make the same call with `resume=True`.

        Errors: as for `Client.create_payout`.

        Example:

            >>> request = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
            >>> async def pay() -> PayoutAccepted:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.create_payout("TST-223351", request)
            >>> asyncio.run(pay()).payout_id
            'TST-223351'
        """
        # One of the wrong type may show itself whole.
        start = Opaque(self._calls.create_payout, payout_id, request, resume=resume, timeout=timeout)
        del payout_id, request
        return await self._end(start)

    async def get_payout(self, payout_id: str, *, timeout: float | timedelta | None = None) -> Payout:
        """Reads a payout, trying again where that may help.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def look() -> None:
            ...     async with AsyncClient.from_env() as client:
            ...         try:
            ...             await client.get_payout("TST-0")
            ...         except NotFoundError as error:
            ...             print(error.http_status)
            >>> asyncio.run(look())
            410
        """
        return await self._end(Opaque(self._calls.get_payout, payout_id, timeout=timeout))

    async def wait_for_payout(self, payout_id: str, *, timeout: float | timedelta) -> Payout:
        """Reads a payout until its status is final; it returns on FAILED and REFUSED too.

        timeout is in seconds, or a timedelta.

        Errors: as for `Client.wait_for_payout`.

        Example:

            >>> async def follow() -> None:
            ...     async with AsyncClient.from_env() as client:
            ...         try:
            ...             await client.wait_for_payout("TST-0", timeout=1)
            ...         except (NotFoundError, NotFinalError) as error:
            ...             print(error.payout_id)
            >>> asyncio.run(follow())
            TST-0
        """
        return await self._end(Opaque(self._calls.wait_for_payout, payout_id, timeout=timeout))

    async def wait_for_payouts(
        self, payout_ids: Iterable[str], *, timeout: float | timedelta, reads_per_second: float = 100.0
    ) -> AsyncIterator[WaitedPayout]:
        """Waits for many payouts, and gives each as soon as it is final, or as its wait ends otherwise.

        See `Client.wait_for_payouts`. Each has its time from the first step of the loop on.

        Errors: as for `Client.wait_for_payouts`.

        Example:

            >>> async def follow() -> None:
            ...     async with AsyncClient.from_env() as client:
            ...         async for waited in client.wait_for_payouts(["TST-0"], timeout=1):
            ...             print(waited.payout_id, waited.payout is None)
            >>> asyncio.run(follow())
            TST-0 True
        """
        waits = self._calls.wait_for_payouts(payout_ids, timeout=timeout, reads_per_second=reads_per_second)
        try:
            while (waited := await self._end(waits._next)) is not None:
                yield waited
        finally:
            # The frame of a task that was cancelled may stay for a while, and this with it.
            waits.close()

    async def payout_options(
        self,
        money: Money,
        *,
        segment_code: str | None = None,
        exchanged_to_currency: str | None = None,
        timeout: float | timedelta | None = None,
    ) -> list[PayoutOption]:
        """The ways to pay out this money now, with their operators. Where the platform knows none, the list is empty.

        Errors: as for `Client.payout_options`.

        Example:

            >>> async def methods() -> list[str]:
            ...     async with AsyncClient.from_env() as client:
            ...         return [option.method_code for option in await client.payout_options(Money("10000", "IDR"))]
            >>> "BANK_TRANSFER" in asyncio.run(methods())
            True
        """
        start = Opaque(
            self._calls.payout_options,
            money,
            segment_code=segment_code,
            exchanged_to_currency=exchanged_to_currency,
            timeout=timeout,
        )
        return await self._end(start)

    async def balances(
        self, *currencies: str | Iterable[str], timeout: float | timedelta | None = None
    ) -> list[Balance]:
        """The balances in these currencies, or in all if none is named; amounts in major units.

        A currency without an account is left out.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def available() -> list[Money]:
            ...     async with AsyncClient.from_env() as client:
            ...         return [balance.available for balance in await client.balances("IDR")]
            >>> [money.currency for money in asyncio.run(available())]
            ['IDR']
        """
        return await self._end(Opaque(self._calls.balances, *currencies, timeout=timeout))

    async def currencies(self, *, timeout: float | timedelta | None = None) -> list[str]:
        """The codes of the currencies enabled for the merchant.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def currencies() -> list[str]:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.currencies()
            >>> "IDR" in asyncio.run(currencies())
            True
        """
        return await self._end(Opaque(self._calls.currencies, timeout=timeout))

    async def segments(self, *, timeout: float | timedelta | None = None) -> list[str]:
        """The codes of the customer segments.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def segments() -> list[str]:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.segments()
            >>> isinstance(asyncio.run(segments()), list)
            True
        """
        return await self._end(Opaque(self._calls.segments, timeout=timeout))

    async def payment_operators(self, *, timeout: float | timedelta | None = None) -> list[PaymentOperator]:
        """All banks, wallets and blockchains, of any direction and currency.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def operators() -> list[str]:
            ...     async with AsyncClient.from_env() as client:
            ...         return [operator.code for operator in await client.payment_operators()]
            >>> "BNK_000" in asyncio.run(operators())
            True
        """
        return await self._end(Opaque(self._calls.payment_operators, timeout=timeout))

    async def payment_methods(self, *, timeout: float | timedelta | None = None) -> list[str]:
        """The codes of all payment methods, of both directions.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def methods() -> list[str]:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.payment_methods()
            >>> "BANK_TRANSFER" in asyncio.run(methods())
            True
        """
        return await self._end(Opaque(self._calls.payment_methods, timeout=timeout))

    async def payment_options(
        self,
        *,
        type_code: str | None = None,
        method_codes: Iterable[str] = (),
        currencies: Iterable[str] = (),
        segment_codes: Iterable[str] = (),
        operator_codes: Iterable[str] = (),
        timeout: float | timedelta | None = None,
    ) -> list[PaymentOption]:
        """Methods and operators with their limits for this merchant, switched off ones included.

        What is not given does not filter.

        Errors: as for `Client.payment_options`.

        Example:

            >>> async def options() -> list[PaymentOption]:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.payment_options(type_code="PAYOUT", currencies=["IDR"])
            >>> {option.currency for option in asyncio.run(options())}
            {'IDR'}
        """
        start = Opaque(
            self._calls.payment_options,
            type_code=type_code,
            method_codes=method_codes,
            currencies=currencies,
            segment_codes=segment_codes,
            operator_codes=operator_codes,
            timeout=timeout,
        )
        return await self._end(start)

    async def merchant_info(self, *, timeout: float | timedelta | None = None) -> MerchantInfo:
        """The merchant as customers see it.

        Errors: as for `Client.get_payout`.

        Example:

            >>> async def name() -> str:
            ...     async with AsyncClient.from_env() as client:
            ...         return (await client.merchant_info()).name
            >>> len(asyncio.run(name())) > 0
            True
        """
        return await self._end(Opaque(self._calls.merchant_info, timeout=timeout))

    async def issue_token(
        self, scope: AccessScope, *, validity: float | timedelta = 600, timeout: float | timedelta | None = None
    ) -> AccessToken:
        """Issues a token for someone else to use, such as a mobile app.

        validity is in seconds, or a timedelta: 60 to 3600 seconds.

        Errors: as for `Client.issue_token`.

        Example:

            >>> async def token() -> AccessToken:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.issue_token(AccessScope.read("TST-223344"), validity=600)
            >>> asyncio.run(token()).expires_at is not None
            True
        """
        return await self._end(Opaque(self._calls.issue_token, scope, validity=validity, timeout=timeout))

    async def check_credentials(self, *, timeout: float | timedelta | None = None) -> MerchantInfo:
        """Proves that host, credentials and clock work, moving nothing: gets a token and reads the merchant's data.

        Errors: as for `Client.check_credentials`.

        Example:

            >>> async def check() -> MerchantInfo:
            ...     async with AsyncClient.from_env() as client:
            ...         return await client.check_credentials()
            >>> len(asyncio.run(check()).name) > 0
            True
        """
        return await self._end(Opaque(self._calls.check_credentials, timeout=timeout))

    def callback_url(
        self,
        base: str,
        payout_id: str,
        *,
        expires_at: datetime | None = None,
        place: Literal["path", "query"] = "path",
    ) -> str:
        """Signs a callback URL for this payout: the URL to hand over as the request's `callback_url`. Nothing is sent.

        See `Client.callback_url`.

        Errors: as for `Client.callback_url`.

        Example:

            >>> client = AsyncClient.from_env(callback_keys=["what `openssl rand -hex 32` printed"])
            >>> signed = client.callback_url("https://shop.example/hook", "TST-223344")
            >>> signed.startswith("https://shop.example/hook/1.0.")
            True
            >>> asyncio.run(client.close())
        """
        sign = Opaque(self._calls.callback_url, base, payout_id, expires_at=expires_at, place=place)
        del base
        return sign()

    def read_callback(self, body: bytes, url: str) -> Callback:
        """Reads a callback, and checks that its URL was signed for its payout. Nothing is sent.

        See `Client.read_callback`.

        Errors: as for `Client.read_callback`.

        Example:

            >>> client = AsyncClient.from_env(callback_keys=["what `openssl rand -hex 32` printed"])
            >>> url = client.callback_url("https://shop.example/hook", "TST-223344")
            >>> client.read_callback(b'{"idEntity": "TST-223344"}', url)
            Callback(payout_id='TST-223344', verified=True)
            >>> asyncio.run(client.close())
        """
        read = Opaque(self._calls.read_callback, body, url)
        del body, url
        return read()

    async def handle_callback(self, body: bytes, url: str, *, timeout: float | timedelta | None = None) -> Payout:
        """Reads a callback, checks it, and reads the payout from the platform. Whoever calls never says the status.

        See `Client.handle_callback`. A reading that was begun goes on, and is recorded, when the task is cancelled.

        Errors: as for `Client.handle_callback`.

        Example:

            >>> async def hook(body: bytes, url: str) -> int:
            ...     async with AsyncClient.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
            ...         try:
            ...             await client.handle_callback(body, url)
            ...         except KomopayError as error:
            ...             return error.callback_status
            ...         return 200
            >>> asyncio.run(hook(b'{"idEntity": "TST-223344"}', "/hook/a-guess"))
            403
        """
        start = Opaque(self._calls.handle_callback, body, url, timeout=timeout)
        del body, url
        return await self._end(start)

    async def take_changes(self, *, limit: int = 100) -> list[PayoutChange]:
        """Takes changes out of the `change_store` to handle them. See `Client.take_changes`.

        Errors: as for `Client.take_changes`.

        Example:

            >>> async def work() -> None:
            ...     async with AsyncClient.from_env(change_store=MemoryChangeStore()) as client:
            ...         for change in await client.take_changes(limit=10):
            ...             print(change.payout_id, change.payout.status)
            ...             await client.acknowledge_change(change.payout_id, change.sequence)
            >>> asyncio.run(work())
        """
        return await self._end(Opaque(self._calls.take_changes, limit=limit))

    async def acknowledge_change(self, payout_id: str, sequence: int) -> None:
        """Notes in the `change_store` that a change was handled: it is never given again.

        Errors: as for `Client.take_changes`.

        Example:

            >>> async def done() -> None:
            ...     async with AsyncClient.from_env(change_store=MemoryChangeStore()) as client:
            ...         await client.acknowledge_change("TST-223344", 1)  # it was not there, or acknowledged before
            >>> asyncio.run(done())
        """
        await self._end(Opaque(self._calls.acknowledge_change, payout_id, sequence))

    async def close(self, *, drain: bool = True) -> None:
        """Refuses new calls, and waits for the creates on the wire, up to their deadlines.

        With `drain=False` it does not wait: creates on the wire are read to their end, and the log names their ids. It
        may be called again.

        Example:

            >>> async def open_and_close() -> None:
            ...     client = AsyncClient.from_env()
            ...     await client.close()
            >>> asyncio.run(open_and_close())
        """
        await self._end(Opaque(self._calls.close, drain=drain))
        # It also sees to it that the log has told everything.
        self._client.close(drain=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Closes the client. A cancelled task does not wait for creates on the wire; the log names them."""
        import asyncio

        leaving = isinstance(exc_value, (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit))
        await self.close(drain=not leaving)

    @property
    def _calls(self) -> Client:
        """The client whose methods start a call and do not wait for it."""
        if self._provider is not None:
            import asyncio

            # Before a call starts, which may ask the provider at once.
            try:
                self._provider.loop = asyncio.get_running_loop()
            except RuntimeError:
                pass  # What is no call needs no loop.
        return self._native

    async def _end(self, start: Callable[[], _T]) -> _T:
        call = cast("_Call[_T] | None", start())
        if call is None:
            # Of a close that waits for nothing.
            return cast("_T", None)
        try:
            return await call.future
        finally:
            # Cancelled, or thrown away by a loop that ends: the caller has left. After the call's end it is nothing.
            call.cancel()

    def __repr__(self) -> str:
        # Where it could not be made, a report of the error shows it all the same.
        client: Client | None = getattr(self, "_client", None)
        return "AsyncClient(not made)" if client is None else f"Async{client!r}"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an AsyncClient holds credentials and connections and cannot be pickled or copied; "
            "make one in each process, for example with AsyncClient.from_env()"
        )


# `inspect` follows this to the settings and their defaults.
_from_env = cast("classmethod[AsyncClient, ..., AsyncClient]", vars(AsyncClient)["from_env"])
setattr(_from_env.__func__, "__wrapped__", vars(Client)["from_env"])


def _in_thread(token: str | Callable[[], str | Awaitable[str]] | None, provider: _Provider | None) -> Token | None:
    """What `Client` takes for a token: any function of the caller's is called through its provider."""
    return token if token is None or isinstance(token, str) else provider


class _Provider:
    """A token provider of the caller's. It is called in a thread; if it is async, the loop awaits what it gives."""

    __slots__ = ("_provider", "loop")

    def __init__(self, provider: Callable[[], str | Awaitable[str]]) -> None:
        self._provider = provider
        self.loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> str:
        token = self._provider()
        if isinstance(token, str) or self.loop is None:
            return cast("str", token)

        import asyncio

        async def result() -> str:
            return await token

        return asyncio.run_coroutine_threadsafe(result(), self.loop).result()
