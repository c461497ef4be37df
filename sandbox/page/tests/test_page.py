"""The gateway's page, as a person uses it: in Chromium, by keyboard, on a wide screen and on a phone.

`python sandbox/page/tests/test_page.py FOLDER` takes the pictures of the documents.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gateway_program import ACCOUNT_NUMBER, SECRET, STAYS_PROCESSING, Gateway, Receiver
from playwright.sync_api import Browser, Page, expect, sync_playwright

VIEWS = ("payouts", "batches", "ledger", "balances", "callbacks", "requests", "switches")

PHONE = (360, 740)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""The names of the browser: the task runner installs the first (`xtask/src/setup.rs`)."""

# Only a page that is broken takes so long.
expect.set_options(timeout=30_000)

LISTEN = """window.heard = []; addEventListener('DOMContentLoaded', () => {
  const said = document.getElementById('said');
  new MutationObserver(() => heard.push(said.textContent)).observe(said, { childList: true });
});"""
"""Keeps what a screen reader would read out."""

CONTRAST = """() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const linear = (part) => (part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    const [r, g, b] = parts(color).map((part) => linear(part / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (parts(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('[disabled]')) continue;
    const style = getComputedStyle(node);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const [dark, bright] = [light(style.color), light(ground(node))].sort((a, b) => a - b);
    if ((bright + .05) / (dark + .05) < least) weak.push(walker.currentNode.data.trim());
  }
  return weak;
}"""
"""The texts that do not stand out enough from their ground (WCAG 2, AA)."""

NAMELESS = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary, progress, table')]
  .filter((node) => node.checkVisibility())
  .filter((node) => {
    const label = node.labels?.[0] ?? node.caption ?? node;
    return !(node.ariaLabel || label.textContent).trim();
  })
  .map((node) => node.outerHTML)"""
"""The controls that have no name."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def working(name: str) -> str | None:
    """The program, if it is one, and not only something of its name that says where to get it."""
    program = shutil.which(name)
    if program is None or subprocess.run([program, "--version"], capture_output=True).returncode != 0:
        return None
    return program


@contextmanager
def chromium() -> Iterator[Browser]:
    """The one of this system, and not one that Playwright brings."""
    program = next(filter(None, map(working, BROWSERS)), None)
    if program is None:
        missing = "chromium is missing. Install it: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=program) as browser:
            yield browser


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


@pytest.fixture
def page(browser: Browser, gateway: Gateway) -> Iterator[Page]:
    """The page, opened by its link. It asked nobody else for anything, and had nothing to complain of."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.add_init_script(LISTEN)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        urls: list[str] = []
        page.on("request", lambda request: urls.append(request.url))
        open_page(page, gateway)
        yield page
        assert problems == []
        assert [url for url in urls if not url.startswith((gateway.url, "data:"))] == []


def open_page(page: Page, gateway: Gateway) -> None:
    page.goto(gateway.link)
    expect(page.locator("#connection")).to_have_text("live")


def view(page: Page, name: str) -> None:
    page.evaluate("name => { location.hash = `#/${name}`; }", name)
    expect(page.locator("#payout-id" if "/" in name else f"#{name}-title")).to_be_focused()


def wait_to_hear(page: Page, words: str) -> None:
    page.wait_for_function("words => heard.some((text) => text.includes(words))", arg=words)


def tab_to(page: Page, name: str) -> None:
    """Goes on with the tabulator until it is at the control of this name."""
    for _ in range(100):
        page.keyboard.press("Tab")
        at = page.evaluate("() => { const at = document.activeElement;"
                           " return (at.labels?.[0]?.firstChild ?? at).textContent.trim(); }")
        if at == name:
            return
    pytest.fail(f"the tabulator does not get to {name!r}")


def test_a_person_makes_a_payout_fail_forges_a_callback_sees_the_ledger_and_finds_why(
    page: Page, gateway: Gateway, receiver: Receiver
) -> None:
    assert gateway.pay("TST-1", number=STAYS_PROCESSING, callback_url=receiver.url) == [201]
    # It comes by itself, and all is done with the keyboard.
    expect(page.locator("#payouts a")).to_have_text(["TST-1PROCESSING10\u00a0000 IDR"])
    tab_to(page, "TST-1PROCESSING10\u00a0000 IDR")
    page.keyboard.press("Enter")
    expect(page.locator("#payout-id")).to_be_focused()
    expect(page.locator("#why")).to_contain_text("It stays PROCESSING for ever")

    tab_to(page, "Reason")
    # Key by key, as letters that come too slowly would choose another one.
    for _ in range(40):
        if page.evaluate("document.activeElement.value") == "INVALID_ACCOUNT_NUMBER":
            break
        page.keyboard.press("ArrowUp")
    tab_to(page, "Give it this status")
    page.keyboard.press("Enter")
    why = page.locator("#why")
    expect(why).to_contain_text("FAILED with INVALID_ACCOUNT_NUMBER: a switch gave it this status")
    # The callback is on its way beside us: what comes between a request and its answer parts their line in two.
    life = page.locator("#life > li")
    expect(life.filter(has_text="The callback about FAILED")).to_have_count(1)
    process = gateway.get("TST-1")["process"]
    assert (process["status"], process["failureReasons"]["failureReasonCode"]) == ("FAILED", "INVALID_ACCOUNT_NUMBER")

    tab_to(page, "Forge a callback about it")
    page.keyboard.press("Enter")
    wait_to_hear(page, "Forged: answered with 200.")
    expect(why).to_contain_text("A callback about it was forged")

    tab_to(page, "Ledger")
    page.keyboard.press("Enter")
    rows = page.locator("#ledger tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("released")
    expect(rows.nth(1)).to_contain_text("executed")

    tab_to(page, "TST-1")
    page.keyboard.press("Enter")
    for words in ("POST /payouts/TST-1 came", "The ledger: executed", "The payout was made", "was answered: 201",
                  "The ledger: released", "It became FAILED with INVALID_ACCOUNT_NUMBER, by a switch",
                  "The callback about FAILED", "GET /payouts/TST-1 came: 200",
                  "forged A callback that no payout asked for"):
        expect(life.filter(has_text=words)).to_have_count(1)
    # Of the two that came, one was true.
    assert receiver.about == ["TST-1", "TST-1"]


def test_the_token_leaves_the_address_bar_and_nothing_is_shown_without_it(page: Page, gateway: Gateway) -> None:
    gateway.pay("TST-1")
    expect(page.locator("#payouts a")).to_have_count(1)
    assert page.url == f"{gateway.url}/_sandbox/"
    page.reload()
    expect(page.locator("#payouts a")).to_have_count(1)

    # Another tab knows nothing of it.
    other = page.context.new_page()
    other.goto(f"{gateway.url}/_sandbox/#/payouts/TST-1")
    expect(other.get_by_role("textbox", name="Token", exact=True)).to_be_focused()
    other.keyboard.type("not-the-token-of-this-one")
    other.keyboard.press("Enter")
    expect(other.get_by_role("alert")).to_contain_text("the control API asks for its token")
    assert "TST-1" not in other.locator("body").inner_text()
    other.get_by_role("textbox", name="Token", exact=True).fill(gateway.token)
    other.keyboard.press("Enter")
    expect(other.locator("#payout-id")).to_have_text("TST-1")


def test_requests_are_shown_as_they_came_but_for_secrets_and_accounts(page: Page, gateway: Gateway) -> None:
    gateway.pay("TST-1")
    view(page, "requests")
    summaries = page.locator("#requests summary")
    expect(summaries).to_have_text([re.compile("POST /payouts/TST-1 201"), re.compile("POST /auth-tokens 200")])
    for summary in summaries.all():
        summary.click()
    shown = page.locator("#requests").inner_text()
    for words in ("POST /auth-tokens", "POST /payouts/TST-1", '"secret": "•••"', '"accountNumber": "•••"',
                  '"accountName": "•••"', "authorization: Bearer ••• token "):
        assert words in shown, words
    assert not any(secret in shown for secret in (SECRET, ACCOUNT_NUMBER, "Test account", "eyJ"))


def test_what_met_a_fault_or_was_refused_says_so(page: Page, gateway: Gateway) -> None:
    view(page, "switches")
    form = page.locator("#fault")
    form.get_by_label("What happens").select_option("execute_then_close")
    form.get_by_role("button", name="Inject it").click()
    expect(page.locator("#warnings")).to_have_text("1 fault waits")
    assert gateway.pay("TST-1") == [0]
    view(page, "payouts/TST-1")
    expect(page.locator("#why")).to_contain_text("Its create met the fault execute_then_close")
    expect(page.locator("#life")).to_contain_text("got no answer: the connection was closed")

    assert gateway.pay("TST-2", amount=50_000_001) == [406]
    view(page, "payouts/TST-2")
    expect(page.locator("#why")).to_contain_text("refused with 406: PAYMENT_CHANNEL_AMOUNT_LIMITS")


def test_every_switch_is_one_that_the_gateway_has(page: Page, gateway: Gateway) -> None:
    view(page, "switches")
    waiting = page.locator("#faults li")
    for form in (page.locator("#fault"), page.locator("#callback-fault")):
        effects = form.get_by_label("What happens")
        for effect in effects.locator("option").all_inner_texts():
            effects.select_option(label=effect)
            page.evaluate("heard.length = 0")
            form.get_by_role("button", name="Inject it").click()
            wait_to_hear(page, "Injected. ")
    expect(waiting).to_have_count(23 + 5)
    page.get_by_role("button", name="Clear all faults").click()
    expect(waiting).to_have_text(["None."])

    page.get_by_role("button", name="Put it forward").click()
    expect(page.locator("#switched")).to_contain_text("the clock went 120 s forward")
    page.get_by_role("button", name="Switch the merchant off").click()
    expect(page.locator("#warnings")).to_have_text("the merchant is switched off")
    page.get_by_role("button", name="Start all over").click()
    page.get_by_role("dialog").get_by_role("button", name="Start all over").click()
    expect(page.locator("#switched li")).to_have_text(["Nothing yet."])
    assert gateway.control("GET", "ledger") == []


def test_batches_are_found_by_their_ids(page: Page, gateway: Gateway) -> None:
    derived = "KB-jntdbsozwgjugb5fsacernfglu"
    gateway.pay("RUN7-1", "RUN7-2", derived)
    view(page, "batches")
    expect(page.locator("#batches a").first).to_have_text("RUN7-…")
    page.get_by_label("Id of the batch").fill("payroll-2026-11")
    page.get_by_label("Keys of its rows").fill("EMP-17\nEMP-18")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#derived a")).to_contain_text(["EMP-17SUCCESS" + derived, "EMP-18NEVER CAME"])
    page.locator("#batches a").first.click()
    expect(page.locator("#payouts a .id")).to_have_text(["RUN7-2", "RUN7-1"])


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_a_phone_and_everything_has_a_name_and_stands_out(
    page: Page, gateway: Gateway, receiver: Receiver, colours: str
) -> None:
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    gateway.pay("TST-1", "A" * 200, number="9000000019", callback_url=receiver.url)
    gateway.pay("TST-2", number=STAYS_PROCESSING)
    gateway.control("POST", "deliveries/forge", {"payout_id": "NOBODY", "url_of": "TST-1"})
    gateway.fault("get_payout", "not_found")
    for width, height in (PHONE, (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        for name in (*VIEWS, "payouts/TST-1", "payouts/TST-2", "payouts/" + "A" * 200, "payouts/NOBODY"):
            view(page, name)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert page.evaluate(NAMELESS) == [], name
            assert page.evaluate(CONTRAST) == [], (name, colours)


def take_pictures(folder: Path) -> None:
    """Wide and light, on a phone, and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    receiver = Receiver()
    with Gateway(processing_ms=400) as gateway, chromium() as browser:
        gateway.pay("PAYROLL-11-001", "PAYROLL-11-002", "PAYROLL-11-003", number="11223344")
        gateway.pay("TST-3", number=STAYS_PROCESSING, callback_url=receiver.url)
        gateway.fault("create_payout", "execute_then_close", on={"nth": 1})
        gateway.pay("TST-2", number="9000000019", callback_url=receiver.url)
        gateway.control("GET", "idle")
        gateway.control("POST", "deliveries/forge", {"payout_id": "TST-2", "url_of": "TST-2"})
        for name, at, size, colours in (
            ("wide", "payouts/TST-2", (1180, 800), "light"),
            ("dark", "ledger", (1180, 640), "dark"),
            ("phone", "payouts/TST-2", PHONE, "light"),
            ("switches", "switches", (1180, 800), "light"),
        ):
            with browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if colours == "dark" else "light",
                reduced_motion="reduce",
            ) as context:
                page = context.new_page()
                open_page(page, gateway)
                view(page, at)
                page.screenshot(path=folder / f"{name}.png")
    receiver.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
