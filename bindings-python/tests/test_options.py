"""Options for some calls, and for one: what they share with all others, and what a client says of its settings."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import time
from collections.abc import Mapping

import pytest
from conftest import documented_request, new_async_client, new_client
from gateway import MERCHANT_CODE, SECRET, Sandbox

from komopay import (
    SANDBOX_URL,
    AsyncClient,
    Client,
    ClosedError,
    ConfigurationError,
    InvalidRequestError,
    KomopayError,
    MemoryChangeStore,
    Money,
    OutcomeUnknownError,
    TimedOutError,
)


def test_a_client_with_options_shares_its_tokens_and_is_closed_with_it(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    hurried = client.with_options(total_timeout=10, headers={"X-Job": "payroll-7"})
    hurried.create_payout("OPT-1", documented_request())
    client.get_payout("OPT-1")
    hurried.with_options(headers={"X-Job": "payroll-8"}).get_payout("OPT-1", timeout=5)
    assert sandbox.control("GET", "calls")["issue_token"] == 1
    hurried.close()
    with pytest.raises(ClosedError):
        client.get_payout("OPT-1")


def test_timeout_is_the_deadline_of_one_call(sandbox: Sandbox) -> None:
    sandbox.fault("list_currencies", "hold")
    with new_client(sandbox) as client:
        started = time.monotonic()
        with pytest.raises(TimedOutError):
            client.currencies(timeout=0.2)
        assert time.monotonic() - started < 60, "not the 90 s of the client"
        sandbox.release()
        assert "IDR" in client.currencies()

        async def read() -> list[str]:
            async with new_async_client(sandbox) as client:
                return await client.currencies(timeout=30)

        assert "IDR" in asyncio.run(read())


def test_who_has_less_time_than_the_create_it_joined_does_not_know_its_outcome(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with new_async_client(sandbox) as client:
            sandbox.fault("create_payout", "hold", {"nth": 1})
            first = asyncio.create_task(client.create_payout("OPT-2", documented_request()))
            await asyncio.to_thread(sandbox.wait_until_seen, "create_payout")
            with pytest.raises(OutcomeUnknownError):
                await client.create_payout("OPT-2", documented_request(), timeout=0.05)
            sandbox.release()
            assert not (await first).recovered

    asyncio.run(main())
    assert sandbox.executed("OPT-2") == 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"total_timeout": 0}, "total_timeout"),
        ({"total_timeout": "soon"}, "total_timeout"),
        ({"headers": {"Host": "canary"}}, "headers"),
        ({"headers": {"proxy-authorization": "canary"}}, "headers"),
        ({"headers": {"X-Job": "canary\r\nX: y"}}, "headers"),
        ({"headers": {"X-Job": 7}}, "headers"),
        ({"headers": ["X-Job"]}, "headers"),
    ],
)
def test_bad_options_are_refused_by_their_names(client: Client, options: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client.with_options(**options)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert "canary" not in str(caught.value)


def test_a_bad_timeout_of_a_call_names_it_and_a_resumed_create_stays_unknown(client: Client) -> None:
    for timeout in (0, -1, 1e300, "soon"):
        with pytest.raises(InvalidRequestError) as refused:
            client.currencies(timeout=timeout)  # type: ignore[arg-type]
        assert refused.value.field == "timeout"
    with pytest.raises(InvalidRequestError):
        client.create_payout("OPT-3", documented_request(), timeout=0)
    for timeout in (0, "soon"):
        with pytest.raises(OutcomeUnknownError):
            client.create_payout("OPT-3", documented_request(), resume=True, timeout=timeout)  # type: ignore[arg-type]


def test_the_defaults_of_the_signature_are_those_that_are_read_back() -> None:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(Client).parameters.items()
        if name not in ("base_url", "merchant_code", "secret", "token", "callback_keys", "change_store")
    }
    with Client(base_url=SANDBOX_URL, merchant_code="M", secret="S") as client:
        settings = dict(client.settings)
    assert settings.pop("base_url") == SANDBOX_URL
    assert settings == defaults


def test_every_way_to_make_a_client_shows_its_settings_with_their_defaults() -> None:
    class Own(AsyncClient):
        def __init__(self, name: str) -> None:
            super().__init__(base_url=SANDBOX_URL, token=name)

    settings = inspect.signature(Client)
    assert inspect.signature(AsyncClient) == settings
    assert list(inspect.signature(Own).parameters) == ["name"]
    from_env = [
        parameter.replace(default=None) if name == "base_url" else parameter
        for name, parameter in settings.parameters.items()
    ]
    assert list(inspect.signature(Client.from_env).parameters.values()) == from_env
    assert list(inspect.signature(AsyncClient.from_env).parameters.values()) == from_env


def test_settings_are_what_holds_with_the_options_and_show_no_secret(sandbox: Sandbox) -> None:
    known = {"callback_keys": ["k" * 32], "change_store": MemoryChangeStore(), "max_amount": {"IDR": 5}}
    with new_client(sandbox, total_timeout=30, **known) as client:
        settings: Mapping[str, object] = client.settings
        assert (settings["total_timeout"], settings["attempt_timeout"]) == (30.0, 15.0), "the rest follows"
        assert settings["max_amount"] == (Money(5, "IDR"),)
        assert SECRET not in repr(settings) and "k" * 32 not in repr(settings)
        hurried = client.with_options(total_timeout=4)
        assert (hurried.settings["total_timeout"], hurried.settings["attempt_timeout"]) == (4.0, 2.0)
        assert hurried.with_options(total_timeout=90).settings["attempt_timeout"] == 20.0
        with pytest.raises(TypeError):
            settings["total_timeout"] = 1  # type: ignore[index]
    assert AsyncClient(base_url=sandbox.url, token="t").settings["pool_size"] == 64
    with Client(base_url=SANDBOX_URL, token="t", proxy="http://user:canary@proxy:3128") as client:
        assert client.settings["proxy"] == "http://proxy"


def test_the_environments_proxy_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")

        def was_asked(used: bool) -> bool:
            with Client(base_url="https://gateway.invalid", token="t", proxy_from_environment=used) as client:
                with pytest.raises(KomopayError):
                    client.currencies(timeout=0.5)
            try:
                proxy.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        assert not was_asked(used=False)
        assert was_asked(used=True)


def test_a_forked_child_has_the_options_too(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        hurried = client.with_options(total_timeout=9)
        hurried.currencies()
        child = os.fork()
        if child == 0:
            ok = "IDR" in hurried.currencies() and hurried.settings["total_timeout"] == 9.0
            os._exit(0 if ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_client_of_another_merchant_shares_nothing(sandbox: Sandbox) -> None:
    first = Client(base_url=sandbox.url, merchant_code=MERCHANT_CODE, secret=SECRET).with_options(total_timeout=9)
    second = Client(base_url=sandbox.url, merchant_code=MERCHANT_CODE, secret=SECRET)
    first.close()
    assert "IDR" in second.currencies()
    second.close()
