"""
The private native module of `komopay`. Import from `komopay` instead.
"""

# Written by `cargo xtask stub`, from the Rust code.

from komopay._settings import Settings
from komopay.batches._rows import Rows, SupportsRead, SupportsWrite
from collections.abc import Iterator
from typing_extensions import Unpack
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from komopay.batches.values import BatchEvent, BatchStatus, Planned, ReportItem, ReportTotals, RowProblem
from komopay.catalogue import Balance, MerchantInfo, PaymentOperator, PaymentOption, PayoutOption
from komopay.codes import FailureCode, MethodCode, PayoutStatus
from komopay.waits import WaitedPayout
from os import PathLike
from types import ModuleType
from typing import Final, Literal, SupportsIndex, final

__all__ = ["SANDBOX_URL", "__version__", "AccessScope", "AccessToken", "Attempt", "BankAccount", "BankTransfer", "Batches", "Callback", "Client", "CryptoAccount", "CryptoTransfer", "FailureReason", "MemoryChangeStore", "Money", "Payout", "PayoutAccepted", "PayoutChange", "PayoutRequest", "PayoutWaits", "PostgresChangeStore", "Reason", "RowSource", "SqliteChangeStore", "Stop", "WalletAccount", "WalletTransfer", "_Argument", "_Items", "_Opaque", "_Outbox", "_OutboxRow", "_TokenReply", "_after_fork_in_child", "_after_fork_in_parent", "_before_fork", "_begin_of_worker", "_end_of_interpreter", "_error_kinds", "_fields_of_batches", "_fields_of_catalogue", "_json", "_panic", "_plain", "_read_catalogue", "_read_error", "_read_of_batches", "_set_telemetry", "csv", "csv_template", "generate_journal_key", "json_lines", "run_program"]

SANDBOX_URL: Final[str]
__version__: Final[str]

@final
class AccessScope:
    """
    What an issued token shall allow: see `payout`, `read` and `operations`.

    Example:

        >>> AccessScope.read("TST-223344")
        AccessScope.read('TST-223344')
    """
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> "tuple[object, tuple[object, ...]]": ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> AccessScope:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> AccessScope:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @staticmethod
    def operations(operations: Iterable[str], money: Money | None = None) -> AccessScope:
        """
        A list of operations, each "METHOD /path" with the real id in the path.

        money is the only money that a create may ask for, if there is such a limit. The list is checked when the token
        is issued.

        Example:

            >>> AccessScope.operations(["GET /balances"])
            AccessScope.operations(['GET /balances'])
        """
    @staticmethod
    def payout(payout_id: str, money: Money) -> AccessScope:
        """
        To create this payout of exactly this money, and to follow it: what a mobile app needs.

        A bad id is an `InvalidRequestError`.

        Example:

            >>> AccessScope.payout("TST-223344", Money("10000", "IDR"))
            AccessScope.payout('TST-223344', Money('10000', 'IDR'))
        """
    @staticmethod
    def read(payout_id: str) -> AccessScope:
        """
        To read this payout.

        A bad id is an `InvalidRequestError`.

        Example:

            >>> AccessScope.read("TST-223344") == AccessScope.read("TST-223344")
            True
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class AccessToken:
    """
    A token that was issued for someone else to use. Neither its repr nor a log shows its text.

    It refuses to be pickled or copied; hand over what `expose()` gives.

    Example:

        >>> with Client.from_env() as client:
        ...     token = client.issue_token(AccessScope.read("TST-223344"), validity=600)
        >>> token.expires_at is not None
        True
    """
    def __reduce__(self, /) -> "tuple[object, ...]": ...
    def __repr__(self, /) -> str: ...
    @property
    def expires_at(self, /) -> datetime | None:
        """
        When it ends, by the platform's clock, if the token says so.
        """
    def expose(self, /) -> str:
        """
        The token's text. Hand it over to whom it was issued for, and to nobody else: it never belongs in a log.

        Example:

            >>> with Client.from_env() as client:
            ...     token = client.issue_token(AccessScope.operations(["GET /currencies"]))
            >>> with Client(base_url=SANDBOX_URL, token=token.expose()) as app:
            ...     pass
        """

@final
class Attempt:
    """
    One request on the wire, as the history of a call tells it.

    Example:

        >>> with Client.from_env() as client:
        ...     try:
        ...         client.get_payout("TST-0")
        ...     except KomopayError as error:
        ...         print([attempt.operation for attempt in error.attempts])
        ['POST /auth-tokens', 'GET /payouts/TST-0', 'GET /payouts/TST-0']
    """
    __match_args__: Final[tuple[Literal["operation"], Literal["started_at"], Literal["duration"], Literal["http_status"], Literal["request_id"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, operation: str, started_at: datetime, duration: float | timedelta, http_status: int | None = None, request_id: str | None = None) -> Attempt: ...
    def __replace__(self, /, **fields: "object") -> Attempt: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def duration(self, /) -> timedelta:
        """
        How long it took.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> Attempt:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> Attempt:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def http_status(self, /) -> int | None:
        """
        The HTTP status, if an answer came.
        """
    @property
    def operation(self, /) -> str:
        """
        The method and path, such as POST /payouts/TST-223344.
        """
    def replace(self, /, **fields: "object") -> Attempt:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    @property
    def request_id(self, /) -> str | None:
        """
        The platform's request id, if the answer carried one.
        """
    @property
    def started_at(self, /) -> datetime:
        """
        When it started, by the wall clock.
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class BankAccount:
    """
    A receiving bank account. Its repr masks the number and hides the name.

    Example:

        >>> BankAccount(name="Siti", number="0123456789")
        BankAccount(name=[hidden], number=****6789)
    """
    __match_args__: Final[tuple[Literal["name"], Literal["number"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, name: str, number: str, account_type: str | None = None, bank_code: str | None = None, bank_name: str | None = None, bank_branch: str | None = None, bank_city: str | None = None, bank_province: str | None = None) -> BankAccount: ...
    def __replace__(self, /, **fields: "object") -> BankAccount: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def account_type(self, /) -> str | None:
        """
        The kind of account; required for JPY and ZAR.
        """
    @property
    def bank_branch(self, /) -> str | None:
        """
        The branch; required for JPY.
        """
    @property
    def bank_city(self, /) -> str | None:
        """
        The bank's city.
        """
    @property
    def bank_code(self, /) -> str | None:
        """
        The bank's own code; for INR the IFSC, required there.
        """
    @property
    def bank_name(self, /) -> str | None:
        """
        The bank's name.
        """
    @property
    def bank_province(self, /) -> str | None:
        """
        The bank's province.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> BankAccount:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> BankAccount:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def name(self, /) -> str:
        """
        The holder's name: letters of any script and a little punctuation, no digits, 1 to 64.
        """
    @property
    def number(self, /) -> str:
        """
        The account number.
        """
    def replace(self, /, **fields: "object") -> BankAccount:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class BankTransfer:
    """
    A transfer to a bank account.

    Example:

        >>> BankTransfer(operator_code="IDR_014", account=BankAccount(name="Siti", number="0123456789"))
        BankTransfer(operator_code='IDR_014', account=BankAccount(name=[hidden], number=****6789))
    """
    __match_args__: Final[tuple[Literal["operator_code"], Literal["account"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, operator_code: str, account: BankAccount, email_address: str | None = None, remark: str | None = None) -> BankTransfer: ...
    def __replace__(self, /, **fields: "object") -> BankTransfer: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def account(self, /) -> BankAccount:
        """
        The receiving account.
        """
    @property
    def email_address(self, /) -> str | None:
        """
        The payee's e-mail address.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> BankTransfer:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> BankTransfer:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def method_code(self, /) -> MethodCode:
        """
        Which payout method this is.
        """
    @property
    def operator_code(self, /) -> str:
        """
        The bank's code, such as `IDR_014`.
        """
    @property
    def remark(self, /) -> str | None:
        """
        Free text.
        """
    def replace(self, /, **fields: "object") -> BankTransfer:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class Batches:
    """
    Batches of payouts: planned, approved, paid exactly once, and followed. For any number of threads.

    journal is where everything is written down before money moves: the path of an SQLite file, for one process at a
    time, or the URL of a PostgreSQL database (`postgresql://user:password@host/database`), for any number of them. It
    is made if there is none, and belongs to the base URL, merchant and mode of the client that it was first opened
    with.

    `journal_key` seals the payees in it: what `generate_journal_key` makes, kept like a password and apart from the
    journal. Without it, `KOMOPAY_JOURNAL_KEY` of the environment is taken. Several keys, with blanks between, rotate:
    the first seals, all of them open.

    A forked child may not use an SQLite journal that its parent has opened; one in PostgreSQL is opened anew there.

    Errors: `ConfigurationError`, naming `journal` or `journal_key`; `UnavailableError` if the journal cannot be reached
    now.

    The examples of the methods begin with such `batches`, into which `planned` has put two `employees` as
    `payroll-2026-11`.

    Example:

        >>> from tempfile import TemporaryDirectory
        >>> from komopay.batches import Batches, generate_journal_key
        >>> employees = [{"id": "EMP-1", "amount": "250000", "currency": "IDR", "operator_code": "BNK_000",
        ...               "account_name": "Siti Rahmawati", "account_number": "0123456789"}]
        >>> with TemporaryDirectory() as folder, Client.from_env() as client:
        ...     with Batches(client, journal=f"{folder}/journal", journal_key=generate_journal_key()) as batches:
        ...         planned = batches.plan("payroll-2026-11", employees, maker="siti", count=1)
        ...         batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
        ...         batches.start("payroll-2026-11", by="budi")
        ...         batches.drive("payroll-2026-11").count("accepted")
        1
    """
    def __enter__(self, /) -> Batches: ...
    def __exit__(self, exc_type: "type[BaseException] | None", exc_value: "BaseException | None", traceback: "object", /) -> None: ...
    def __new__(cls, /, client: Client, *, journal: "str | PathLike[str]", journal_key: str | None = None) -> Batches: ...
    def __reduce__(self, /) -> "tuple[object, ...]": ...
    def __repr__(self, /) -> str: ...
    def _feeding(self, /, rows: "object") -> "object":
        """
        Rows for a plan of an event loop, which hands them over.
        """
    @staticmethod
    def _for_event_loop(client: Client, *, journal: "str | PathLike[str]", journal_key: str | None = None) -> Batches:
        """
        The same for the running event loop, which opens the journal with the first call: for `AsyncBatches`.
        """
    def _items(self, /, batch_id: str, state: str | None, after: str) -> list[ReportItem]:
        """
        Some of them, for `AsyncBatches`: those behind this key.
        """
    def _open(self, /) -> None:
        """
        Opens the journal, if it is not open.
        """
    def _writing(self, /, target: "str | PathLike[str] | SupportsWrite") -> "object":
        """
        A report for an event loop, which writes it.
        """
    def approve(self, /, batch_id: str, *, by: str, digest: str, why: str | None = None) -> None:
        """
        Approves a batch as it stands: bound to the digest that its plan gave, over all that it would pay, payees
        included.

        That proves that these payees and amounts were approved, and that nothing else is paid. It does not prove who by
        is: that is your application's word.

        Errors: `InvalidRequestError`, naming `batch_id` if it has bad rows or was started, `digest` if it is another
        one by now, or `approver` if that is its maker, and another has to approve.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest, why="as agreed with accounting")
            >>> batches.status("payroll-2026-11").state
            'approved'
        """
    def cancel(self, /, batch_id: str, *, by: str, why: str) -> int:
        """
        Cancels what was not sent, and gives how many items that are. What was sent is followed to its end.

        Errors: `InvalidRequestError`, naming `batch_id`, if all is sent.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            >>> batches.start("payroll-2026-11", by="budi")
            >>> batches.cancel("payroll-2026-11", by="budi", why="paid in cash")
            2
        """
    def close(self, /) -> None:
        """
        Closes the journal, when the calls that are under way have ended. Then another process may open an SQLite file.

        Example:

            >>> batches.close()
            >>> batches.status("payroll-2026-11")
            Traceback (most recent call last):
            komopay.errors.ClosedError: the journal was closed
        """
    def drive(self, /, batch_id: str, time: float | timedelta = 60.0, *, stop: Stop | None = None) -> BatchStatus:
        """
        Sends what is planned, and settles what is in doubt, until the time is over or nothing is due now.

        time is in seconds, or a timedelta: after it nothing new is started, and what is under way ends first. Call it
        again at any time, from any process, also while another one drives: the journal knows where it stands. A process
        that dies in it loses no payout, and pays none twice.

        Ctrl-C stops it: nothing new is sent, what is under way ends first, and then `KeyboardInterrupt` is raised. A
        second Ctrl-C leaves at once, and what was under way is settled by the next call.

        Errors: `InvalidRequestError`, naming `batch_id`, if it was not started; `UnavailableError`, naming `journal`;
        `ConfigurationError`, naming `journal_key`, if its items were sealed with another key. How single payouts end is
        told by the status.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            >>> batches.start("payroll-2026-11", by="budi")
            >>> status = batches.drive("payroll-2026-11", 30)
            >>> status.state, status.count("accepted")
            ('following', 2)
        """
    def erase_payees(self, /, ended_for: float | timedelta) -> int:
        """
        Erases the payees of batches that ended so long ago, in seconds or a timedelta, and gives how many items those
        are. What was paid when, and under which id, stays.

        Errors: `UnavailableError`, naming `journal`.

        Example:

            >>> batches.erase_payees(timedelta(days=90))
            0
        """
    def events(self, /, batch_id: str) -> list[BatchEvent]:
        """
        What happened to a batch: decisions of people, and states that it came to.

        Errors: `InternalError` if the chain of events was broken: one was changed, or is missing.

        Example:

            >>> [(event.who, event.what) for event in batches.events("payroll-2026-11")]
            [('siti', 'planned')]
        """
    def follow(self, /, batch_id: str, time: float | timedelta = 60.0, *, stop: Stop | None = None) -> BatchStatus:
        """
        Reads the payouts that the platform took, until the time is over or none is due now: each after a few seconds,
        then less and less often, up to every 15 minutes.

        time, Ctrl-C and errors are as those of `drive`.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            >>> batches.start("payroll-2026-11", by="budi")
            >>> status = batches.drive("payroll-2026-11")
            >>> while status.due_in is not None:
            ...     time.sleep(status.due_in.total_seconds())
            ...     status = batches.follow("payroll-2026-11", 30)
            >>> status.state, status.count("succeeded")
            ('closed', 2)
        """
    def items(self, /, batch_id: str, *, state: str | None = None) -> "Iterator[ReportItem]":
        """
        The items of a batch, each once, in the order of their keys: of one state, such as `"needs_person"`, or all of
        them. They are read from the journal as a loop goes on, some at a time, so a million need no more memory than
        ten; each is as it was when it was read.

        Errors: `InvalidRequestError`, naming `state`; in the loop, naming `batch_id`, if there is none of this id, and
        `UnavailableError`, naming `journal`.

        Example:

            >>> [(item.key, item.state, item.money) for item in batches.items("payroll-2026-11")]
            [('EMP-1', 'planned', Money('250000', 'IDR')), ('EMP-2', 'planned', Money('300000', 'IDR'))]
            >>> list(batches.items("payroll-2026-11", state="needs_person"))
            []
        """
    def observe(self, /, payout: Payout) -> bool:
        """
        Takes a payout that a callback, or a read of your own, showed. False, if no item has its id.

        Errors: `UnavailableError`, naming `journal`.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            >>> batches.start("payroll-2026-11", by="budi")
            >>> status = batches.drive("payroll-2026-11")
            >>> for item in list(batches.items("payroll-2026-11", state="accepted")):
            ...     payout = client.wait_for_payout(item.payout_id, timeout=60)  # or what a callback showed
            ...     print(batches.observe(payout))
            True
            True
        """
    def open_outbox(self, /, batch_id: str, *, maker: str, ceilings: Mapping[str, tuple[str | SupportsIndex | Decimal, str | SupportsIndex | Decimal]], concurrency: int = 32, requests_per_second: float | None = None, tokens: Literal["chunk", "payout"] = "chunk", token_seconds: int = 60, max_refusals: int | None = None, max_refused_share: float = 0.1, stop_on_low_balance: bool = True, approval_by_another: bool = True) -> str:
        """
        Opens an outbox: a batch that takes payouts one by one, in transactions of your own (`Outbox`). Gives the digest
        to approve. It needs a journal in the database that those transactions are of.

        It has no contents to approve: ceilings are approved instead, by currency the most of one payout and the most of
        an hour. What is above pauses it; a currency that is not there is not paid. Other settings than before void the
        approval. The settings are those of `plan`.

        Errors: `ConfigurationError`, naming `journal` if that is no PostgreSQL, or a setting; `InvalidRequestError`,
        naming what cannot be used.

        Example:

            >>> digest = batches.open_outbox("tips", maker="siti", ceilings={"IDR": (5_000_000, 100_000_000)})
            >>> batches.approve("tips", by="budi", digest=digest)
            >>> batches.start("tips", by="budi")
        """
    def pause(self, /, batch_id: str, *, by: str, why: str) -> bool:
        """
        Lets nobody send more of a batch. What is under way ends first. False, if it does not run.

        Errors: `InvalidRequestError`, naming what cannot be used.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            >>> batches.start("payroll-2026-11", by="budi")
            >>> batches.pause("payroll-2026-11", by="budi", why="a wrong amount")
            True
            >>> batches.start("payroll-2026-11", by="budi", why="it was right")
        """
    def plan(self, /, batch_id: str, rows: "Rows", *, maker: str, valid_only: bool = False, count: int | None = None, sums: Iterable[Money] | Mapping[str, str | SupportsIndex | Decimal] | None = None, concurrency: int = 32, requests_per_second: float | None = None, tokens: Literal["chunk", "payout"] = "chunk", token_seconds: int = 60, max_refusals: int | None = None, max_refused_share: float = 0.1, stop_on_low_balance: bool = True, approval_by_another: bool = True, paid_lately_days: int = 7) -> Planned:
        """
        Checks every row, writes down those that are good, and says what they add up to. Nothing is sent.

        `batch_id` is never made up: the same rows under the same id are the same payouts, for ever, so to plan again is
        harmless. Until the batch is started, its contents are what the last plan says, and any change of them voids an
        approval. After that they stand: a row that is another one now is a problem, and is not paid.

        rows is `csv(path)` or `json_lines(path)`, or an iterable of `(key, PayoutRequest)`, of `(key, payout_id,
        PayoutRequest)`, or of dicts with the names of the CSV template, such as the rows of a data frame:
        `frame.to_dict("records")`. It is read some rows at a time, in the caller's thread; what it raises is raised
        here, and the batch is as it was. Without a payout id, one is derived from the batch's id and the row's key.

        maker is who makes it. `valid_only` pays the good rows even if others are bad: a choice that is written down.
        count and sums, such as `{"IDR": "1250000"}`, are what you expect the rows to add up to.

        - `concurrency`: how many payouts of one process are under way at a time, 32.
        - `requests_per_second`: how many creates all processes together start in a second; no limit without it.
        - `tokens`: `"chunk"` for a token for up to 32 payouts, or `"payout"` for one for each, which allows its money
          only.
        - `token_seconds`: for how long a token is asked for, 60. What was on its way in a crash is settled after that.
        - `max_refusals`: it pauses when so many were refused; no limit without it.
        - `max_refused_share`: it pauses when this share was refused, from 100 on; 0.1. With 1.0 it never does.
        - `stop_on_low_balance`: it pauses when the balance is too low for a payout, True.
        - `approval_by_another`: somebody else than its maker has to approve it, True.
        - `paid_lately_days`: the same payee and amount in another batch within so many days is a warning, 7.

        Errors: `InvalidRequestError`, naming what cannot be used; `ConfigurationError`, naming a setting, or `input` if
        a file cannot be read; else those of `payment_options` and `balances`.

        Example:

            >>> from tempfile import TemporaryDirectory
            >>> from komopay.batches import Batches, generate_journal_key
            >>> account = BankAccount(name="Siti Rahmawati", number="0123456789")
            >>> bank = BankTransfer(operator_code="BNK_000", account=account)
            >>> rows = ((f"EMP-{n}", PayoutRequest(money=Money(n * 1000, "IDR"), method=bank)) for n in range(10, 15))
            >>> with TemporaryDirectory() as folder, Client.from_env() as client:
            ...     with Batches(client, journal=f"{folder}/journal", journal_key=generate_journal_key()) as batches:
            ...         planned = batches.plan("payroll-2026-11", rows, maker="siti", count=5, sums={"IDR": 60_000})
            >>> planned.state, planned.plan.currencies[0].sum
            ('validated', Money('60000', 'IDR'))
        """
    def problems(self, /, batch_id: str, after: int = 0) -> list[RowProblem]:
        """
        What is wrong with rows of the input, as it was planned last: those behind this row, up to 2,048 at a time.

        Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id.

        Example:

            >>> planned = batches.plan("payroll-2026-12", [{**employees[0], "amount": "a lot"}], maker="siti")
            >>> [(problem.row, problem.field) for problem in batches.problems("payroll-2026-12")]
            [(1, 'amount')]
        """
    def report(self, /, batch_id: str, target: "str | PathLike[str] | SupportsWrite", *, format: Literal["csv", "jsonl", "html"] = "csv") -> ReportTotals:
        """
        Writes the report of a batch as it stands now, item by item, and gives its totals.

        target is a path, or a file that is open for writing: of bytes, or of text (with `newline=""`). format is
        `"csv"`, a row per item; `"jsonl"`, an object per item and a last one of the batch; or `"html"`, one page for
        people. It holds no name and no whole account number.

        Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id; `ConfigurationError`, naming
        `report`, if it cannot be written. What an open file raises is raised as it is.

        Example:

            >>> from io import StringIO
            >>> file = StringIO(newline="")  # or a path
            >>> totals = batches.report("payroll-2026-11", file, format="csv")
            >>> totals.count("planned"), file.getvalue().count("EMP-")
            (2, 2)
        """
    def restored(self, /, *, by: str, why: str) -> int:
        """
        Says that the journal is a restored one, so that what was written last may be lost: all that is open is in
        doubt, and nothing is concluded until every token that may be about has ended. Gives how many groups of items
        those are.

        Where PostgreSQL tells that it is another server, or a standby that took over, that is done when the journal is
        opened.

        Errors: `InvalidRequestError`, naming what cannot be used.

        Example:

            >>> batches.restored(by="budi", why="the backup of last night was put back")
            0
        """
    def retry(self, /, batch_id: str, item: str, *, by: str, why: str) -> str:
        """
        Tries an item again that is final and was not paid: a new item with a new payout id, which names the one it
        replaces. Gives its key.

        Errors: `InvalidRequestError`, naming `item`, if it may still be paid, was paid, or is tried again already.

        Example:

            >>> for state in ("failed", "refused", "rejected"):
            ...     for item in batches.items("payroll-2026-11", state=state):
            ...         if item.replaced_by is None:
            ...             batches.retry("payroll-2026-11", item.key, by="budi", why="the account is open again")
        """
    def settle(self, /, batch_id: str, item: str, *, made: bool, by: str, why: str) -> None:
        """
        Settles an item that needs a person, by what that person found out: its payout was made, or was not.

        item is its key.

        Errors: `InvalidRequestError`, naming `item`, if there is none of this key, or it needs no person.

        Example:

            >>> for item in batches.items("payroll-2026-11", state="needs_person"):
            ...     batches.settle("payroll-2026-11", item.key, made=True, by="budi", why="seen in the back office")
        """
    def start(self, /, batch_id: str, *, by: str, why: str | None = None) -> None:
        """
        Starts a batch that was approved, or goes on with one that is paused.

        Errors: `InvalidRequestError`, naming `batch_id`, if it was not approved, or is not what was approved any more.

        Example:

            >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
            >>> batches.start("payroll-2026-11", by="budi")
            >>> batches.status("payroll-2026-11").state
            'running'
        """
    def status(self, /, batch_id: str) -> BatchStatus:
        """
        How a batch stands.

        Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id.

        Example:

            >>> status = batches.status("payroll-2026-11")
            >>> status.state, status.items, status.due_in
            ('validated', 2, None)
        """

@final
class Callback:
    """
    A callback that was read: the platform says that this payout changed. Its status is read from the platform.

    Example:

        >>> with Client.from_env() as client:  # it has no callback_keys
        ...     client.read_callback(b'{"idEntity": "TST-223344"}', "/hook")
        Callback(payout_id='TST-223344', verified=False)
    """
    LARGEST_BODY: Final[int]
    """
    The largest body that is looked at, in bytes. Who receives callbacks need not read more than one byte above it.
    """
    __match_args__: Final[tuple[Literal["payout_id"], Literal["verified"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, payout_id: str, verified: bool) -> Callback: ...
    def __replace__(self, /, **fields: "object") -> Callback: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> Callback:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> Callback:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def payout_id(self, /) -> str:
        """
        The payout that changed.
        """
    def replace(self, /, **fields: "object") -> Callback:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """
    @property
    def verified(self, /) -> bool:
        """
        Whether the URL was signed for this payout with one of the client's keys. False only of a client without
        keys: with keys, what does not verify is refused.
        """

@final
class Client:
    """
    A client of the payout API, for any number of threads.

    Give `merchant_code` and `secret`, or a `token`: a ready one, or a function that gives one whenever a new one is
    needed. The function runs in a thread of its own, and what it raises becomes an `UnavailableError` that names
    the type only. Times are seconds, as a number or a `timedelta`. What is not given has its default; a bad setting
    is a `ConfigurationError` that names it.

    A child process after a fork connects anew at its first call; calls under way stay the parent's. When the
    interpreter ends, creates on the wire have up to 5 seconds, and the log names the ids of those that take longer.

    - `base_url`: where the platform is, such as `SANDBOX_URL`; a path prefix is fine. Plain http is for loopback.
    - `total_timeout`: the deadline of a whole call, 90 s.
    - `attempt_timeout`: the deadline of one request on the wire: 20 s, or half of a `total_timeout` below 40 s, which it
      may not be above.
    - `connect_timeout`: the deadline for making a connection, 5 s.
    - `settle_window`: how long after a lost create a read may not yet show it, 30 s.
    - `backoff_base`: the longest first pause, 0.25 s.
    - `backoff_cap`: the longest pause, 5 s.
    - `read_attempts`: how many requests a read may take, 4.
    - `requests_per_second`: how many requests are sent in a second at the most, such as 20 or 0.5; no limit without it. A
      429 halves it for a while. A read that settles a create never waits for it.
    - `max_concurrency`: how many calls have a request under way at a time at the most; as `requests_per_second`.
    - `pool_size`: how many idle connections are kept, 64.
    - `connection_per_create`: whether each create goes over a connection of its own, so that a refusal needs no read to
      confirm it; False. It costs a connection for each payout.
    - `max_answer_bytes`: the largest answer that is read, 1 MiB.
    - `proxy`: an http or https proxy for every call; without one, the environment's, but never for loopback. One that
      cannot be used is refused.
    - `proxy_from_environment`: whether the environment's proxy is used where `proxy` gives none, True.
    - `ca_file`: a PEM file with authorities to trust besides the system's.
    - `customer_id`: the value of the `Id-Customer` header.
    - `max_amount`: the most that one payout may be, as Money for each currency, or a dict of amounts by currency.
    - `is_test`: True if this client is for test data, False if it is for live money. A payout of the other mode is a
      `ConfigurationError` of a read, and never taken for a create's own. With False, `SANDBOX_URL` and this
      machine are refused as `base_url`.
    - `loopback_is_live`: True if a local proxy at this loopback address leads to the live platform: with `is_test=False` only.
    - `validate`: whether requests are checked before they are sent, True.
    - `token_scope`: `"payout"` (one token for one payout, the default) or `"everything"`.
    - `token_validity`: for how long an issued token is asked to be valid, 600 s (60 to 3600).
    - `callback_keys`: the keys of callback URLs, each at least 32 random bytes of your own, never the secret: the first
      signs, all of them verify, at most 8.
    - `change_store`: a `MemoryChangeStore`, a `SqliteChangeStore` or, for several hosts, a `PostgresChangeStore`, where
      changes are kept until you have handled them.
    - `change_lease`: for how long a change belongs to who took it, 60 s.
    - `keep_changes`: for how long a change stays in the store when it is over: acknowledged, and followed by a later
      one of its payout, 30 days. The last one of each payout stays for ever.
    - `callback_timeout`: the deadline of `handle_callback`, 5 s, and never more than `total_timeout`. Then the callback
      is answered with 503, and the platform posts again.

    Example:

        >>> with Client(base_url=SANDBOX_URL, merchant_code="M", secret="S", total_timeout=30, attempt_timeout=10,
        ...             max_amount={"IDR": 5_000_000, "USD": "300"}, is_test=True) as client:
        ...     print(client)
        Client(base_url='https://api.sandbox.komopay.id')
    """
    def __delattr__(self, name: str, /) -> None: ...
    def __enter__(self, /) -> Client: ...
    def __exit__(self, exc_type: "type[BaseException] | None", exc_value: "BaseException | None", traceback: "object", /) -> None:
        """
        Closes the client. After a Ctrl-C it does not wait for creates on the wire: the log has named them.
        """
    def __new__(cls, /, *, base_url: str, merchant_code: str | None = None, secret: str | None = None, token: str | Callable[[], str] | None = None, total_timeout: float | timedelta | None = 90.0, attempt_timeout: float | timedelta | None = 20.0, connect_timeout: float | timedelta | None = 5.0, settle_window: float | timedelta | None = 30.0, backoff_base: float | timedelta | None = 0.25, backoff_cap: float | timedelta | None = 5.0, read_attempts: int | None = 4, requests_per_second: float | None = None, max_concurrency: int | None = None, pool_size: int | None = 64, connection_per_create: bool | None = False, max_answer_bytes: int | None = 1048576, proxy: str | None = None, proxy_from_environment: bool | None = True, ca_file: str | PathLike[str] | None = None, customer_id: str | None = None, max_amount: Iterable[Money] | Mapping[str, str | SupportsIndex | Decimal] | None = (), is_test: bool | None = None, loopback_is_live: bool | None = False, validate: bool | None = True, token_scope: Literal["payout", "everything"] | None = "payout", token_validity: float | timedelta | None = 600.0, callback_keys: Iterable[str] | None = (), change_store: MemoryChangeStore | SqliteChangeStore | PostgresChangeStore | None = None, change_lease: float | timedelta | None = 60.0, keep_changes: float | timedelta | None = 2592000.0, callback_timeout: float | timedelta | None = 5.0) -> Client: ...
    def __reduce__(self, /) -> "tuple[object, ...]": ...
    def __repr__(self, /) -> str: ...
    def __setattr__(self, name: str, value: object, /) -> None:
        """
        Replaces a method of this client, in a test. A setting is no attribute: it would change nothing.
        """
    def _check_callbacks(self, /) -> None:
        """
        For an adapter: raises a `ConfigurationError`, naming what is missing to receive callbacks.
        """
    def _check_changes(self, /) -> None:
        """
        For a worker: raises a `ConfigurationError`, naming `change_store`, if it is missing.
        """
    def _for_event_loop(self, /) -> Client:
        """
        This client for the running event loop: the same methods, of which those that send something start a call, for
        `komopay.AsyncClient`, and do not wait for it.
        """
    def acknowledge_change(self, /, payout_id: str, sequence: int) -> None:
        """
        Notes in the `change_store` that a change was handled: it is never given again.

        Errors: as for `take_changes`.

        Example:

            >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
            ...     client.acknowledge_change("TST-223344", 1)  # it was not there, or acknowledged before
        """
    def balances(self, /, *currencies: "str | Iterable[str]", timeout: float | timedelta | None = None) -> list[Balance]:
        """
        The balances in these currencies, or in all if none is named; amounts in major units. One without an account is
        left out.

        Errors: as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     balances = client.balances("IDR", "USD")
            >>> "IDR" in [balance.available.currency for balance in balances]
            True
        """
    def callback_url(self, /, base: str, payout_id: str, *, expires_at: datetime | None = None, place: Literal["path", "query"] = "path") -> str:
        """
        Signs a callback URL for this payout: the URL to hand over as the request's `callback_url`. Nothing is sent.

        The platform signs no callback, so the URL carries a signature over this id and its expiry, by the first of the
        `callback_keys`. Host and path are not signed, since proxies rewrite them.

        `expires_at` is a datetime with a time zone; without one, the URL never ends. Leave time for the payout, which
        may take days, and for the platform's repeats. place is `"path"` (a last segment of the path) or `"query"` (the
        parameter `komopay`, which the platform does not promise to keep).

        Errors: `ConfigurationError`, naming `callback_keys`, without a key; `InvalidRequestError`, naming
        `callback_url`, if base is not an absolute https URL (plain http is for loopback), holds a user name, a
        password, a fragment or a signature, or is longer than 1000 characters when it is signed, or naming
        `expires_at`, if that is not in the future.

        Example:

            >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
            ...     url = client.callback_url("https://shop.example/hook", "TST-223344")
            >>> url.startswith("https://shop.example/hook/1.0.")
            True
        """
    def check_credentials(self, /, *, timeout: float | timedelta | None = None) -> MerchantInfo:
        """
        Proves that host, credentials and clock work, moving nothing: gets a token and reads the merchant's data.

        Errors: `ConfigurationError`, naming `clock`, if this machine's clock is more than 5 minutes off the platform's;
        `AuthenticationError` if the credentials are not accepted; else as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     info = client.check_credentials()
            >>> len(info.name) > 0
            True
        """
    def close(self, /, *, drain: bool = True) -> None:
        """
        Refuses new calls, and waits for the creates on the wire, up to their deadlines. Ctrl-C ends the waiting.

        With drain=False it does not wait: creates on the wire are read to their end, and the log names their ids. It
        may be called again.

        Example:

            >>> client = Client.from_env()
            >>> client.close()
            >>> client.close(drain=False)
        """
    def create_payout(self, /, payout_id: str, request: PayoutRequest, *, resume: bool = False, timeout: float | timedelta | None = None) -> PayoutAccepted:
        """
        Makes a payout, exactly once. Store the id before the first call.

        resume says "this id may have been sent before": after `OutcomeUnknownError`, after a crash, in a job that is
        run again. Success means that the platform took the payout, not that the money arrived: see `wait_for_payout`.

        Ctrl-C releases the caller at once; no further attempt starts, what is on the wire is read to its end, and the
        log names the id.

        Errors: `OutcomeUnknownError` must be followed up, the payout may exist; `DuplicatePayoutError` if the id is
        taken; `InvalidRequestError`, `RejectedError`, `PermissionDeniedError` and `AuthenticationError` if it was
        refused; `UnavailableError`, `TimedOutError` and `RateLimitedError` if nothing was sent.

        Example:

            >>> request = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
            >>> with Client.from_env() as client:
            ...     accepted = client.create_payout("TST-223344", request)
            >>> accepted.payout_id, accepted.recovered
            ('TST-223344', False)
        """
    def currencies(self, /, *, timeout: float | timedelta | None = None) -> list[str]:
        """
        The codes of the currencies enabled for the merchant.

        Errors: as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     currencies = client.currencies()
            >>> "IDR" in currencies
            True
        """
    @classmethod
    def from_env(cls, /, **settings: "Unpack[Settings]") -> "Client":
        """
        A client from the environment: `KOMOPAY_MERCHANT_CODE`, `KOMOPAY_SECRET` and `KOMOPAY_BASE_URL`; and, if it is
        set, `KOMOPAY_CALLBACK_KEYS`, keys that hold no comma, with commas between them.

        Every setting of Client may be given, and then wins. With a token, code and secret are not looked up. A variable
        that is missing is a `ConfigurationError` that names it.

        Example:

            >>> with Client.from_env(total_timeout=60) as client:
            ...     currencies = client.currencies()
        """
    def get_payout(self, /, payout_id: str, *, timeout: float | timedelta | None = None) -> Payout:
        """
        Reads a payout, trying again where that may help.

        Errors: `NotFoundError` if there is none now; `UnavailableError`, `TimedOutError` or `RateLimitedError` if it
        could not be read; `UnexpectedResponseError` if the answer cannot be understood.

        Example:

            >>> with Client.from_env() as client:
            ...     try:
            ...         client.get_payout("TST-0")
            ...     except NotFoundError as error:
            ...         print(error.http_status)
            410
        """
    def handle_callback(self, /, body: bytes, url: str, *, timeout: float | timedelta | None = None) -> Payout:
        """
        Reads a callback, checks it, and reads the payout from the platform. Whoever calls never says the status.

        Where there is a `change_store`, a change is in it when this returns. Answer with 200 then, and with the error's
        `callback_status` after a `KomopayError`, so that the platform repeats what was not dealt with.

        Errors: as for `read_callback`, and nothing is sent then; `ConfigurationError`, naming `callback_keys`, without
        a key; `UnavailableError`, naming `change_store`, if that failed; else as for `get_payout`.

        Example:

            >>> def hook(client: Client, body: bytes, url: str) -> int:
            ...     try:
            ...         client.handle_callback(body, url)
            ...     except KomopayError as error:
            ...         return error.callback_status
            ...     return 200
            >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
            ...     hook(client, b'{"idEntity": "TST-223344"}', "/hook/a-guess")
            403
        """
    def issue_token(self, /, scope: AccessScope, *, validity: float | timedelta = 600, timeout: float | timedelta | None = None) -> AccessToken:
        """
        Issues a token for someone else to use, such as a mobile app.

        validity is in seconds, or a timedelta: 60 to 3600 seconds.

        Errors: `ConfigurationError` if this client has no merchant code and secret; `InvalidRequestError`, naming
        `scope.operations` or `validity`; `AuthenticationError` or `RejectedError` if the platform issues none.

        Example:

            >>> scope = AccessScope.payout("TST-223346", Money("10000", "IDR"))
            >>> with Client.from_env() as client:
            ...     token = client.issue_token(scope, validity=600)
            >>> token.expires_at is not None  # token.expose() is what the app gets
            True
        """
    def merchant_info(self, /, *, timeout: float | timedelta | None = None) -> MerchantInfo:
        """
        The merchant as customers see it.

        Errors: as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     info = client.merchant_info()
            >>> len(info.name) > 0
            True
        """
    def payment_methods(self, /, *, timeout: float | timedelta | None = None) -> list[str]:
        """
        The codes of all payment methods, of both directions.

        Errors: as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     methods = client.payment_methods()
            >>> "BANK_TRANSFER" in methods
            True
        """
    def payment_operators(self, /, *, timeout: float | timedelta | None = None) -> list[PaymentOperator]:
        """
        All banks, wallets and blockchains, of any direction and currency.

        Errors: as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     operators = client.payment_operators()
            >>> "BNK_000" in [operator.code for operator in operators]
            True
        """
    def payment_options(self, /, *, type_code: str | None = None, method_codes: Iterable[str] = (), currencies: Iterable[str] = (), segment_codes: Iterable[str] = (), operator_codes: Iterable[str] = (), timeout: float | timedelta | None = None) -> list[PaymentOption]:
        """
        Methods and operators with their limits for this merchant, switched off ones included. What is not given does
        not filter.

        Errors: `RejectedError` if the platform does not know a code of the filter; else as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     options = client.payment_options(type_code="PAYOUT", currencies=["IDR"])
            >>> {option.currency for option in options}
            {'IDR'}
        """
    def payout_options(self, /, money: Money, *, segment_code: str | None = None, exchanged_to_currency: str | None = None, timeout: float | timedelta | None = None) -> list[PayoutOption]:
        """
        The ways to pay out this money now, with their operators. Where the platform knows none, the list is empty.

        Errors: `RejectedError` if the money itself is refused, for example for a limit; else as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     options = client.payout_options(Money("10000", "IDR"))
            >>> "BANK_TRANSFER" in [option.method_code for option in options]
            True
        """
    def read_callback(self, /, body: bytes, url: str) -> Callback:
        """
        Reads a callback, and checks that its URL was signed for its payout. Nothing is sent.

        body is the raw body of the request; url is the URL that was requested, absolute or from its path on. A client
        without `callback_keys` reads the body only, and says that it is not verified.

        Errors: `InvalidCallbackError`, whose `field` tells what is wrong: `body`, `body_size` (over 64 KiB), `url`
        (over 8 KiB), `signature` (missing, forged, or for another payout) or `expires_at` (over).

        Example:

            >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
            ...     url = client.callback_url("https://shop.example/hook", "TST-223344")
            ...     print(client.read_callback(b'{"idEntity": "TST-223344"}', url))
            ...     try:
            ...         client.read_callback(b'{"idEntity": "TST-223345"}', url)
            ...     except InvalidCallbackError as error:
            ...         print(error.field, error.callback_status)
            Callback(payout_id='TST-223344', verified=True)
            signature 403
        """
    def segments(self, /, *, timeout: float | timedelta | None = None) -> list[str]:
        """
        The codes of the customer segments.

        Errors: as for `get_payout`.

        Example:

            >>> with Client.from_env() as client:
            ...     segments = client.segments()
            >>> all(isinstance(code, str) for code in segments)
            True
        """
    @property
    def settings(self, /) -> Mapping[str, object]:
        """
        The settings that this client has, given or not; times in seconds. What is secret is not among them, and neither
        are the keys of callbacks and the store of changes.

        Example:

            >>> with Client.from_env(total_timeout=30) as client:
            ...     [client.settings[name] for name in ("total_timeout", "attempt_timeout", "pool_size")]
            [30.0, 15.0, 64]
        """
    def take_changes(self, /, *, limit: int = 100) -> list[PayoutChange]:
        """
        Takes changes out of the `change_store` to handle them: at most limit, the oldest first, and of one payout only
        the first that was not acknowledged. For `change_lease`, nobody else is given them.

        Acknowledge each when it is handled. One that is not acknowledged in time is given again, perhaps while a slow
        worker is still at it, who must not undo what came after. So keep, for each payout, the highest `sequence` that
        was handled, in one transaction with what is done for it, and ignore a change whose number is not above it.

        Errors: `ConfigurationError`, naming `change_store`, without one; `UnavailableError`, naming it, if it failed.

        Example:

            >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
            ...     for change in client.take_changes(limit=10):
            ...         print(change.payout_id, change.payout.status)
            ...         client.acknowledge_change(change.payout_id, change.sequence)
        """
    def wait_for_payout(self, /, payout_id: str, *, timeout: float | timedelta) -> Payout:
        """
        Reads a payout until its status is final; it returns on FAILED and REFUSED too.

        timeout is in seconds, or a timedelta.

        Errors: `NotFinalError` when the time is over, with the last payout seen; `NotFoundError` if there is no such
        payout.

        Example:

            >>> request = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
            >>> with Client.from_env() as client:
            ...     accepted = client.create_payout("TST-223345", request)
            ...     payout = client.wait_for_payout("TST-223345", timeout=60)
            >>> payout.status
            'SUCCESS'
        """
    def wait_for_payouts(self, /, payout_ids: "Iterable[str]", *, timeout: float | timedelta, reads_per_second: float = 100.0) -> PayoutWaits:
        """
        Waits for many payouts, and gives each as soon as it is final, or as its wait ends otherwise: with one rate for
        all their reads, and tokens that cover up to 32 of them. An id that is given twice is waited for once.

        timeout is in seconds, or a timedelta, for each of them from now on. Reads of one payout pause as those of
        `wait_for_payout` do, and longer where `reads_per_second` lets no more pass: at 100, 5,000 payouts are read
        about once in 50 seconds.

        Errors: `InvalidRequestError`, naming `reads_per_second`, if that is not 0.001 to 1000000. What goes wrong with
        one payout is the `error` of its `WaitedPayout`, and ends no other wait.

        Example:

            >>> request = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
            >>> ids = ["TST-223347", "TST-223348"]
            >>> with Client.from_env() as client:
            ...     accepted = [client.create_payout(payout_id, request) for payout_id in ids]
            ...     {waited.result().status for waited in client.wait_for_payouts(ids, timeout=60)}
            {'SUCCESS'}
        """
    def with_options(self, /, *, total_timeout: float | timedelta | None = None, headers: Mapping[str, str] | None = None) -> Client:
        """
        This client with other options: the same connections, tokens and throttle, the same creates under way and what
        is remembered of unknown outcomes. It is closed when either is.

        `total_timeout` is the deadline of a whole call, in seconds or a timedelta; a single call may have one of its
        own, `timeout`. `headers` go with each request of a call, its token call included, besides those of before; none
        may be HTTP's own or this package's: `Host`, `Content-Length`, `Authorization`, `Id-Customer` and so on.

        A create that joins an equal one under way, and has less time than that, is an `OutcomeUnknownError` when its
        time is over, whether the other was sent or not.

        Errors: `ConfigurationError`, naming `total_timeout` or `headers`; a value of a header is never repeated.

        Example:

            >>> with Client.from_env() as client:
            ...     hurried = client.with_options(total_timeout=10, headers={"X-Job": "payroll-7"})
            ...     hurried.settings["total_timeout"], "IDR" in hurried.currencies(timeout=5)
            (10.0, True)
        """

@final
class CryptoAccount:
    """
    A receiving crypto wallet.

    Example:

        >>> CryptoAccount(number="bc1q0123456789")
        CryptoAccount(number=****6789)
    """
    __match_args__: Final[tuple[Literal["number"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, number: str) -> CryptoAccount: ...
    def __replace__(self, /, **fields: "object") -> CryptoAccount: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> CryptoAccount:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> CryptoAccount:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def number(self, /) -> str:
        """
        The wallet's address: letters and digits, 1 to 62.
        """
    def replace(self, /, **fields: "object") -> CryptoAccount:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class CryptoTransfer:
    """
    A transfer to a crypto wallet.

    Example:

        >>> CryptoTransfer(operator_code="BTC", account=CryptoAccount(number="bc1q0123456789"))
        CryptoTransfer(operator_code='BTC', account=CryptoAccount(number=****6789))
    """
    __match_args__: Final[tuple[Literal["operator_code"], Literal["account"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, operator_code: str, account: CryptoAccount, remark: str | None = None) -> CryptoTransfer: ...
    def __replace__(self, /, **fields: "object") -> CryptoTransfer: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def account(self, /) -> CryptoAccount:
        """
        The receiving wallet.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> CryptoTransfer:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> CryptoTransfer:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def method_code(self, /) -> MethodCode:
        """
        Which payout method this is.
        """
    @property
    def operator_code(self, /) -> str:
        """
        The blockchain's code.
        """
    @property
    def remark(self, /) -> str | None:
        """
        Free text.
        """
    def replace(self, /, **fields: "object") -> CryptoTransfer:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class FailureReason:
    """
    Why a payout failed or was refused.

    Example:

        >>> FailureReason(code="INVALID_ACCOUNT_NUMBER")
        FailureReason(code='INVALID_ACCOUNT_NUMBER')
    """
    __match_args__: Final[tuple[Literal["code"], Literal["failed_at"], Literal["message"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, code: str, failed_at: datetime | None = None, message: str | None = None) -> FailureReason: ...
    def __replace__(self, /, **fields: "object") -> FailureReason: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def code(self, /) -> FailureCode:
        """
        The platform's code, such as `INVALID_ACCOUNT_NUMBER`. The list is open.
        """
    @property
    def failed_at(self, /) -> datetime | None:
        """
        When it failed.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> FailureReason:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> FailureReason:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def message(self, /) -> str | None:
        """
        The platform's own text.
        """
    def replace(self, /, **fields: "object") -> FailureReason:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class MemoryChangeStore:
    """
    Keeps changes in memory: for tests, and for a single process that may forget what it was told when it ends.

    It grows by every payout whose change was seen, of which it keeps the last one. Clients of one process may share it
    if they have the same base URL, merchant code and `is_test`; to others it is refused. A forked child begins with an
    empty one, since what is in it is the parent's to handle.

    Example:

        >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
        ...     client.take_changes()
        []
    """
    def __new__(cls, /) -> MemoryChangeStore: ...
    def __reduce__(self, /) -> "tuple[object, ...]": ...
    def __repr__(self, /) -> str: ...

@final
class Money:
    """
    An exact amount of one currency, in major units.

    The amount is a str, an int (one of numpy's, too) or a decimal.Decimal. A float is refused with an
    `InvalidRequestError`, since it is not exact. So is a str that can be read in two ways: "250.000" of a currency of
    at most two decimals; write "250000", or "250". The currency is a code in capital letters, such as "IDR". Equal by
    value, whatever the zeros at the end.

    Money of one currency can be added, subtracted, compared and summed up, exactly; of two currencies, or where a digit
    would be lost, that is an `InvalidRequestError`. Zero is false. A format is that of the amount, and may not round.

    Example:

        >>> Money("42", "IDR") == Money("42.00", "IDR")
        True
        >>> Money("42.05", "USD").amount
        Decimal('42.05')
        >>> print(Money(10000, "IDR"))
        10000 IDR
        >>> sum([Money("0.10", "USD"), Money("0.20", "USD")])
        Money('0.30', 'USD')
        >>> f"{Money('10000', 'IDR'):,}"
        '10,000 IDR'
    """
    __match_args__: Final[tuple[Literal["amount"], Literal["currency"]]]
    def __add__(self, other: Money, /) -> Money: ...
    def __bool__(self, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __format__(self, /, spec: str) -> str: ...
    def __ge__(self, other: Money, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __gt__(self, other: Money, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __le__(self, other: Money, /) -> bool: ...
    def __lt__(self, other: Money, /) -> bool: ...
    def __neg__(self, /) -> Money: ...
    def __new__(cls, /, amount: str | SupportsIndex | Decimal, currency: str) -> Money: ...
    def __radd__(self, start: int, /) -> Money: ...
    def __reduce__(self, /) -> "tuple[object, tuple[str, str]]":
        """
        Not the constructor, which refuses what a person may have meant otherwise, and what only the platform may say.
        """
    def __replace__(self, /, **fields: "object") -> Money: ...
    def __repr__(self, /) -> str: ...
    def __rsub__(self, other: Money, /) -> Money: ...
    def __str__(self, /) -> str: ...
    def __sub__(self, other: Money, /) -> Money: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @staticmethod
    def _restore(amount: str, currency: str) -> Money:
        """
        Money as it was, for pickle and copy.
        """
    @property
    def amount(self, /) -> Decimal:
        """
        The amount in major units, exact.
        """
    @property
    def currency(self, /) -> str:
        """
        The currency code.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> Money:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> Money:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    def replace(self, /, **fields: "object") -> Money:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class Payout:
    """
    A payout with its status.

    Example:

        >>> money = Money("42", "USD")
        >>> payout = Payout(payout_id="TST-1", money=money, method_code="BANK_TRANSFER", status="PROCESSING")
        >>> payout.is_final
        False
    """
    __match_args__: Final[tuple[Literal["payout_id"], Literal["status"], Literal["money"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, payout_id: str, money: Money, method_code: str, status: str, payment_id: str | None = None, reference: str | None = None, segment_code: str | None = None, exchanged_to_currency: str | None = None, failure_reason: FailureReason | None = None, created_at: datetime | None = None, processed_at: datetime | None = None, is_test: bool | None = None, processor_status: str | None = None, fee: Money | None = None, attempts: Iterable[Attempt] | None = None, raw: "str" = "") -> Payout: ...
    def __replace__(self, /, **fields: "object") -> Payout: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def attempts(self, /) -> tuple[Attempt, ...]:
        """
        The requests of the call that read it, with the platform's ids of them; of a long one, the last. None of a
        payout that comes out of a store. Values are equal whatever it took to read them.
        """
    @property
    def created_at(self, /) -> datetime | None:
        """
        When the platform accepted it.
        """
    @property
    def exchanged_to_currency(self, /) -> str | None:
        """
        The currency to exchange into, if there is one.
        """
    @property
    def failure_reason(self, /) -> FailureReason | None:
        """
        Why it failed or was refused, if the platform says so.
        """
    @property
    def fee(self, /) -> Money | None:
        """
        The fee charged to the merchant.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> Payout:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> Payout:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def is_final(self, /) -> bool:
        """
        Whether the outcome is decided. An unknown status never is.
        """
    @property
    def is_test(self, /) -> bool | None:
        """
        Whether a test merchant or test channel was used.
        """
    @property
    def method_code(self, /) -> MethodCode:
        """
        The method that was asked for, such as `BANK_TRANSFER`. The list is open.
        """
    @property
    def money(self, /) -> Money:
        """
        The money that was asked for.
        """
    @property
    def payment_id(self, /) -> str | None:
        """
        The platform's id, if the answer carried one.
        """
    @property
    def payout_id(self, /) -> str:
        """
        The merchant's id.
        """
    @property
    def processed_at(self, /) -> datetime | None:
        """
        When it was processed.
        """
    @property
    def processor_status(self, /) -> str | None:
        """
        The status at an external processor. It says nothing about the outcome; use status.
        """
    @property
    def raw(self, /) -> str:
        """
        The answer's JSON as it came. The platform's own words in it may repeat the payee's account.
        """
    @property
    def reference(self, /) -> str | None:
        """
        The platform's transaction reference, if the answer carried one.
        """
    def replace(self, /, **fields: "object") -> Payout:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    @property
    def segment_code(self, /) -> str | None:
        """
        The segment, if there is one.
        """
    @property
    def status(self, /) -> PayoutStatus:
        """
        Where it stands: see `PayoutStatus`. The list is open.
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class PayoutAccepted:
    """
    The platform took the payout. This is not completion: follow it with `wait_for_payout`.

    Example:

        >>> accepted = PayoutAccepted(payout_id="TST-1", money=Money("42", "USD"), method_code="BANK_TRANSFER")
        >>> accepted.recovered
        False
    """
    __match_args__: Final[tuple[Literal["payout_id"], Literal["money"], Literal["recovered"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, payout_id: str, money: Money, method_code: str, payment_id: str | None = None, reference: str | None = None, segment_code: str | None = None, exchanged_to_currency: str | None = None, payout: Payout | None = None, attempts: Iterable[Attempt] | None = None, recovered: "bool" = False, raw: "str" = "") -> PayoutAccepted: ...
    def __replace__(self, /, **fields: "object") -> PayoutAccepted: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def attempts(self, /) -> tuple[Attempt, ...]:
        """
        The requests of the call, with the platform's ids of them; of a long one, the last.
        """
    @property
    def exchanged_to_currency(self, /) -> str | None:
        """
        The currency to exchange into, if the platform repeats one.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> PayoutAccepted:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> PayoutAccepted:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def method_code(self, /) -> MethodCode:
        """
        The method, as the platform repeats it. The list is open.
        """
    @property
    def money(self, /) -> Money:
        """
        The money, as the platform repeats it.
        """
    @property
    def payment_id(self, /) -> str | None:
        """
        The platform's id, if the answer carried one.
        """
    @property
    def payout(self, /) -> Payout | None:
        """
        The payout that was found, if recovered.
        """
    @property
    def payout_id(self, /) -> str:
        """
        The merchant's id.
        """
    @property
    def raw(self, /) -> str:
        """
        The answer's JSON as it came. The platform's own words in it may repeat the payee's account.
        """
    @property
    def recovered(self, /) -> bool:
        """
        True if the answer to the create was lost and the payout was found by reading it.

        That proves id, money, method and age, not the payee: the platform never repeats the account.
        """
    @property
    def reference(self, /) -> str | None:
        """
        The platform's transaction reference, if the answer carried one.
        """
    def replace(self, /, **fields: "object") -> PayoutAccepted:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    @property
    def segment_code(self, /) -> str | None:
        """
        The segment, if the platform repeats one.
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class PayoutChange:
    """
    A change of a payout, told once: another status, or another decision about a payout that was final.

    Example:

        >>> def on_change(change: PayoutChange) -> None:
        ...     print(f"{change.payout_id} is now {change.payout.status}, change {change.sequence}")
    """
    __match_args__: Final[tuple[Literal["payout_id"], Literal["sequence"], Literal["payout"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, payout_id: str, sequence: int, payout: Payout, previous_status: str | None = None, is_correction: "bool" = False) -> PayoutChange: ...
    def __replace__(self, /, **fields: "object") -> PayoutChange: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> PayoutChange:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> PayoutChange:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def is_correction(self, /) -> bool:
        """
        Whether it corrects a final status: what was done because of that has to be looked at again.
        """
    @property
    def payout(self, /) -> Payout:
        """
        The whole payout after it, as the platform told it.
        """
    @property
    def payout_id(self, /) -> str:
        """
        The payout that changed.
        """
    @property
    def previous_status(self, /) -> PayoutStatus | None:
        """
        The status before it; None of the first change that was seen.
        """
    def replace(self, /, **fields: "object") -> PayoutChange:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    @property
    def sequence(self, /) -> int:
        """
        The number of the change: 1, 2, 3 ... for each payout. With the id, it names the change for ever.
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class PayoutRequest:
    """
    A payout to be made. It pickles whole, account number included: keep what it is pickled to as safe as itself.

    Example:

        >>> request = PayoutRequest(
        ...     money=Money("10000", "IDR"),
        ...     method=BankTransfer(operator_code="IDR_014", account=BankAccount(name="Siti", number="0123456789")))
        >>> request.money
        Money('10000', 'IDR')
    """
    __match_args__: Final[tuple[Literal["money"], Literal["method"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, money: Money, method: BankTransfer | CryptoTransfer | WalletTransfer, segment_code: str | None = None, exchanged_to_currency: str | None = None, callback_url: str | None = None, customer_ip: str | None = None) -> PayoutRequest: ...
    def __replace__(self, /, **fields: "object") -> PayoutRequest: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def callback_url(self, /) -> str | None:
        """
        Where the platform posts status changes.
        """
    @property
    def customer_ip(self, /) -> str | None:
        """
        The customer's IPv4 or IPv6 address.
        """
    @property
    def exchanged_to_currency(self, /) -> str | None:
        """
        The currency to exchange into.
        """
    def fingerprint(self, /, key: bytes) -> str:
        """
        A keyed, canonical digest of the whole request, payee included: 64 characters, `2:` and hexadecimal digits.

        Store it beside the id. The platform never repeats the payee's account; a fingerprint that matches before a
        resumed call proves that this is the same request: see `matches_fingerprint`. Equal requests have equal
        fingerprints in every language. The signature in the callback URL does not count, nor its expiry. Without the
        key nobody can try out account numbers against it.

        Errors: `ConfigurationError`, naming `key`, if it is shorter than 16 bytes.

        Example:

            >>> key = b"a key of my own, kept like a password"
            >>> def to(number: str, amount: str) -> PayoutRequest:
            ...     account = BankAccount(name="Siti", number=number)
            ...     method = BankTransfer(operator_code="IDR_014", account=account)
            ...     return PayoutRequest(money=Money(amount, "IDR"), method=method)
            >>> to("0123456789", "42").fingerprint(key) == to("0123456789", "42.00").fingerprint(key)
            True
            >>> to("0123456789", "42").fingerprint(key) == to("0123456788", "42").fingerprint(key)
            False
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> PayoutRequest:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> PayoutRequest:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    def matches_fingerprint(self, /, key: bytes, stored: str) -> bool:
        """
        Whether a stored fingerprint is this request's: one that `fingerprint` gives, or one of the form that it gave
        before (64 hexadecimal digits), in which the signature in the callback URL counts.

        What has neither form is nobody's. It takes equally long whatever the digits are.

        Errors: `ConfigurationError`, naming `key`, if it is shorter than 16 bytes.

        Example:

            >>> key = b"a key of my own, kept like a password"
            >>> request = PayoutRequest(
            ...     money=Money("10000", "IDR"),
            ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
            >>> stored = request.fingerprint(key)
            >>> request.matches_fingerprint(key, stored)
            True
        """
    @property
    def method(self, /) -> BankTransfer | CryptoTransfer | WalletTransfer:
        """
        How it reaches the payee: a `BankTransfer`, `CryptoTransfer` or `WalletTransfer`.
        """
    @property
    def money(self, /) -> Money:
        """
        How much, in which currency.
        """
    def replace(self, /, **fields: "object") -> PayoutRequest:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    @property
    def segment_code(self, /) -> str | None:
        """
        The customer's segment, where the merchant uses segments.
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """
    def validate(self, /) -> None:
        """
        Checks every limit of the contract, and the rules of single currencies (INR, JPY, ZAR).

        `create_payout` does this too, unless the client's validate is False.

        Errors: `InvalidRequestError`, naming the first field that cannot be sent.

        Example:

            >>> payee = BankAccount(name="R2D2", number="0123456789")
            >>> request = PayoutRequest(
            ...     money=Money("10000", "IDR"), method=BankTransfer(operator_code="IDR_014", account=payee))
            >>> try:
            ...     request.validate()
            ... except InvalidRequestError as error:
            ...     print(error.field)
            method.account.name
        """

@final
class PayoutWaits:
    """
    A wait for many payouts. It goes on while it is asked for the next one.

    Example:

        >>> with Client.from_env() as client:
        ...     waits = client.wait_for_payouts(["TST-0"], timeout=1)
        ...     [(waited.payout_id, waited.payout) for waited in waits]
        [('TST-0', None)]
    """
    def __iter__(self, /) -> PayoutWaits: ...
    def __next__(self, /) -> WaitedPayout:
        """
        The next payout whose wait has ended.
        """
    def _next(self, /) -> WaitedPayout | None:
        """
        The same as the next; None when all have ended.
        """
    def close(self, /) -> None:
        """
        Ends it: nothing more is read. Leaving the loop does so, too, as soon as nobody has this any more.

        Example:

            >>> with Client.from_env() as client:
            ...     waits = client.wait_for_payouts(["TST-0"], timeout=60)
            ...     waits.close()
            ...     list(waits)
            []
        """

@final
class PostgresChangeStore:
    """
    Keeps changes in PostgreSQL, for any number of processes and hosts whose changes end in one database: best in that
    database.

    url is `postgresql://user:password@host/database`. The tables are made if there are none: `komopay_changes`,
    `komopay_changes_owner` and `komopay_changes_form`, in the schema `komopay`, or in another with
    `?options=-csearch_path%3DNAME`. Which rights a role needs, what is encrypted and which servers will do is in
    docs/callbacks.md. No error, log or repr shows the user or the password.

    It belongs to the base URL, merchant code (or none: a token) and `is_test` of the first client that is made with it,
    and is refused to clients of others. What it has said that it recorded survives a crash of the process and of the
    server. It holds amounts and statuses and no account number, as a `SqliteChangeStore` does.

    Each process has connections of its own, up to 10, and opens them when it uses the store, in a forked child anew.

    Errors: `ConfigurationError`, naming `change_store`, if the URL, the server or the role will not do;
    `UnavailableError`, naming the same, if the server cannot be reached now.

    Example:

        >>> import os
        >>> store = PostgresChangeStore(os.environ["SHOP_DATABASE"])  # postgresql://shop:...@db.example.com/shop
        >>> with Client.from_env(change_store=store) as client:
        ...     client.take_changes()
        []
    """
    def __new__(cls, /, url: str) -> PostgresChangeStore: ...
    def __reduce__(self, /) -> "tuple[object, ...]": ...
    def __repr__(self, /) -> str: ...

@final
class Reason:
    """
    One entry of a 406 answer: which business rule said no, and to which field.

    Example:

        >>> Reason(code="BALANCE_INSUFFICIENT", field="money.amount")
        Reason(code='BALANCE_INSUFFICIENT', field='money.amount')
    """
    __match_args__: Final[tuple[Literal["code"], Literal["field"], Literal["description"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, code: str, field: str | None = None, description: str | None = None) -> Reason: ...
    def __replace__(self, /, **fields: "object") -> Reason: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def code(self, /) -> str:
        """
        The platform's code, such as `BALANCE_INSUFFICIENT`. The list is open.
        """
    @property
    def description(self, /) -> str | None:
        """
        The platform's own text, scrubbed of secrets and account numbers.
        """
    @property
    def field(self, /) -> str | None:
        """
        The request attribute it is about, as the platform names it.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> Reason:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> Reason:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    def replace(self, /, **fields: "object") -> Reason:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class RowSource:
    """
    A file of rows for a plan: what `komopay.batches.csv` and `json_lines` give.

    Example:

        >>> from komopay import batches
        >>> batches.csv("payroll.csv", delimiter=";")
        RowSource('payroll.csv')
    """
    def __repr__(self, /) -> str: ...

@final
class SqliteChangeStore:
    """
    Keeps changes in an SQLite file, which survives the process and which the processes of one machine may share.

    It belongs to the base URL, merchant code (or none: a token) and `is_test` of the first client that is made with it,
    and is refused to clients of others.

    What it has said that it recorded survives a crash of the process and of the machine. The file is made for its
    user only, and refused if others could have written it: if it is another user's, has rights for everybody, is a
    symbolic link, or stands in a folder where everybody may replace it (not looked at on Windows). Rights of its
    group are logged. It holds amounts and statuses and no account number. A change takes about a kilobyte: one stays
    for each payout, its last, and the others for `keep_changes` after they are over. Not for a network drive. Do not
    open the file with another SQLite, such as `sqlite3`, in a process that uses it here: closing it would drop the
    locks of both.

    Each process opens it for itself, in a forked child anew.

    Errors: `ConfigurationError`, naming `change_store`, if it cannot be opened, is the file of another program, or
    could have been written by others.

    Example:

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     store = SqliteChangeStore(f"{folder}/changes.sqlite")
        ...     with Client.from_env(change_store=store) as client:
        ...         client.take_changes()
        []
    """
    def __getnewargs__(self, /) -> "tuple[str]":
        """
        The path: another process opens the same file.
        """
    def __new__(cls, /, path: str | PathLike[str]) -> SqliteChangeStore: ...
    def __repr__(self, /) -> str: ...
    @property
    def path(self, /) -> str | None:
        """
        Where the file is.
        """

@final
class Stop:
    """
    Asks a `drive` or `follow` to end, from another thread or a signal handler: what is under way ends first, and
    nothing new is started.

    Example:

        >>> from komopay.batches import Stop
        >>> stop = Stop()
        >>> stop.stop()
        >>> stop.is_stopped
        True
    """
    def __new__(cls, /) -> Stop: ...
    def __repr__(self, /) -> str: ...
    @property
    def is_stopped(self, /) -> bool:
        """
        Whether it was asked for.
        """
    def stop(self, /) -> None:
        """
        Asks for it.

        Example:

            >>> from komopay.batches import Stop
            >>> stop = Stop()
            >>> stop.stop()
        """

@final
class WalletAccount:
    """
    A receiving electronic wallet.

    Example:

        >>> WalletAccount(name="Siti", number="siti@ovo")
        WalletAccount(name=[hidden], number=****@ovo)
    """
    __match_args__: Final[tuple[Literal["name"], Literal["number"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, name: str | None = None, number: str | None = None) -> WalletAccount: ...
    def __replace__(self, /, **fields: "object") -> WalletAccount: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> WalletAccount:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> WalletAccount:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def name(self, /) -> str | None:
        """
        The holder's name; required for INR.
        """
    @property
    def number(self, /) -> str | None:
        """
        The wallet's address, user@provider, 1 to 100 characters.
        """
    def replace(self, /, **fields: "object") -> WalletAccount:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class WalletTransfer:
    """
    A transfer to an electronic wallet.

    Example:

        >>> WalletTransfer(account=WalletAccount(number="siti@ovo"), phone_number="+628123456789")
        WalletTransfer(account=WalletAccount(number=****@ovo), phone_number=[hidden])
    """
    __match_args__: Final[tuple[Literal["operator_code"], Literal["account"]]]
    def __eq__(self, value: object, /) -> bool: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, /, source: "object", handler: "object") -> "object": ...
    @classmethod
    def __get_pydantic_json_schema__(cls, /, schema: "object", handler: "object") -> "object": ...
    def __getnewargs_ex__(self, /) -> "tuple[tuple[()], dict[str, object]]": ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __new__(cls, /, *, account: WalletAccount, operator_code: str | None = None, phone_number: str | None = None, remark: str | None = None) -> WalletTransfer: ...
    def __replace__(self, /, **fields: "object") -> WalletTransfer: ...
    def __repr__(self, /) -> str: ...
    @classmethod
    def _fields(cls, /) -> "list[tuple[str, object, str, bool]]": ...
    @property
    def account(self, /) -> WalletAccount:
        """
        The receiving wallet.
        """
    @classmethod
    def from_dict(cls, /, data: Mapping[str, object]) -> WalletTransfer:
        """
        The value of plain data, as `to_dict` gives it, under the rules of the constructor.

        Requests refuse a field that is not known; answers pass over one, since a newer version may have
        written it.

        Errors: `InvalidRequestError`, naming the field.

        Example:

            >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            Money('10000', 'IDR')
        """
    @classmethod
    def from_json(cls, /, text: str | bytes) -> WalletTransfer:
        """
        The value of JSON, as `from_dict`. Its numbers are read exactly.

        Example:

            >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            Money('42.05', 'USD')
        """
    @property
    def method_code(self, /) -> MethodCode:
        """
        Which payout method this is.
        """
    @property
    def operator_code(self, /) -> str | None:
        """
        The wallet provider's code; optional here, unlike for the other methods.
        """
    @property
    def phone_number(self, /) -> str | None:
        """
        The payee's phone, international, 7 to 16 characters.
        """
    @property
    def remark(self, /) -> str | None:
        """
        Free text.
        """
    def replace(self, /, **fields: "object") -> WalletTransfer:
        """
        The same value with other fields, under the rules of the constructor; `copy.replace` does this too.

        Example:

            >>> Money("10000", "IDR").replace(amount="20000")
            Money('20000', 'IDR')
        """
    def to_dict(self, /, *, include_personal: bool = False) -> "dict[str, object]":
        """
        This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
        spans in seconds. `from_dict` gives it back.

        What holds personal data, such as a `PayoutRequest` and its parts, is written only with
        `include_personal=True`, and then whole. The `raw` of a payout is left out without that.

        Example:

            >>> Money("10000", "IDR").to_dict()
            {'amount': '10000', 'currency': 'IDR'}
        """
    def to_json(self, /, *, include_personal: bool = False) -> "str":
        """
        The JSON of `to_dict`.

        Example:

            >>> Money("10000", "IDR").to_json()
            '{"amount": "10000", "currency": "IDR"}'
        """

@final
class _Argument:
    """
    The name of an argument or a setting, which errors tell.
    """
    def __new__(cls, /, name: str, *, is_setting: bool = False) -> _Argument: ...
    def amounts(self, /, given: Iterable[Money] | Mapping[str, str | SupportsIndex | Decimal]) -> list[tuple[str, str]]:
        """
        Currencies and amounts, of money or of a dict.
        """
    def microseconds(self, /, given: float | timedelta) -> int:
        """
        A time span, in seconds or as a `timedelta`.
        """
    def port(self, /, given: int) -> int:
        """
        The number of a port.
        """
    def ports(self, /, given: Iterable[int]) -> list[int]: ...
    def refusal(self, /, problem: str) -> BaseException:
        """
        The error of what cannot be used, for this reason.
        """
    def text(self, /, given: str) -> str: ...
    def truth(self, /, given: bool) -> bool: ...
    def whole(self, /, given: int) -> int:
        """
        A whole number from 0 on.
        """

@final
class _Items:
    """
    The items of a batch, which are read page by page.
    """
    def __iter__(self, /) -> _Items: ...
    def __next__(self, /) -> ReportItem: ...

@final
class _Opaque:
    """
    A function with the first of its arguments, as `functools.partial` has them, but its repr shows none of them.
    """
    def __call__(self, /, *arguments: "object", **known: "object") -> "object": ...
    def __new__(cls, function: "object", /, *arguments: "object", **known: "object") -> _Opaque: ...
    def __repr__(self, /) -> str: ...

@final
class _Outbox:
    """
    Makes the rows of an outbox: `komopay.batches.Outbox`, which has the documentation, adds them.
    """
    def __new__(cls, /, batch_id: str, *, journal_key: str | None = None, schema: str = "komopay") -> _Outbox: ...
    def _row(self, /, key: str, request: PayoutRequest, payout_id: str | None, style: str) -> _OutboxRow:
        """
        The row of a payout, checked and sealed, for a driver with placeholders of this style.
        """
    @property
    def batch_id(self, /) -> str: ...

@final
class _OutboxRow:
    """
    A row of an outbox, and what is asked of the database to add it.
    """
    def _check(self, /, fingerprint: str | None) -> None:
        """
        Refuses the key, unless what was added under it before is this request.
        """
    def _insert(self, /) -> "tuple[str, object]":
        """
        A statement and its values: adds the row, and gives one if it is new.
        """
    def _look(self, /) -> "tuple[str, object]":
        """
        A statement and its values: the payout id and the fingerprint of the row that was there before.
        """
    @property
    def payout_id(self, /) -> str:
        """
        The id that it is paid under, if it is new.
        """

@final
class _TokenReply:
    """
    Where the answer of a token provider goes.
    """
    def fail(self, /, type_name: str) -> None:
        """
        The provider raised an exception of this type. Its text may hold anything, so it does not come along.
        """
    def give(self, /, token: "object") -> None:
        """
        The provider gave this.
        """

def _after_fork_in_child() -> None:
    """
    After a fork, in the child: all that it has is made anew when it is first used.
    """

def _after_fork_in_parent() -> None:
    """
    After a fork, in the parent: all goes on.
    """

def _before_fork() -> None:
    """
    Before a fork that Python is told of: closes what would keep the child from opening its own.
    """

def _begin_of_worker(module: ModuleType) -> None:
    """
    A worker of `multiprocessing` begins: what has to be done before it ends.
    """

def _end_of_interpreter() -> None:
    """
    Before the interpreter ends: a short time for the creates on the wire, the last of the log, and the gate is closed.
    """

def _error_kinds() -> list[tuple[str, str, bool, bool]]:
    """
    The error table of the core: (class name, kind, retryable, `money_may_have_moved`).
    """

def _fields_of_batches(name: str) -> "list[tuple[str, object, str, bool]]":
    """
    The fields of a class, for its JSON schema.
    """

def _fields_of_catalogue(name: str) -> "list[tuple[str, object, str, bool]]":
    """
    The fields of a class, for its JSON schema.
    """

def _json(text: str | bytes) -> "dict[str, object]":
    """
    JSON as Python has it.
    """

def _panic() -> None:
    """
    Panics, as a fault of this SDK would. It is here to be tested.
    """

def _plain(part: "object") -> "object":
    """
    What a value that is made in Python holds, as plain data.
    """

def _read_catalogue(name: str, data: Mapping[str, object]) -> "object":
    """
    A value from plain data, by the name of its class.
    """

def _read_error(data: Mapping[str, object]) -> "tuple[str, bool, bool, str, dict[str, object] | None, dict[str, object]]":
    """
    What plain data say of an error: its kind, whether it is retryable, whether money may have moved, its message, the
    data of its cause, and everything else.
    """

def _read_of_batches(name: str, data: Mapping[str, object]) -> "object":
    """
    A value from plain data, by the name of its class.
    """

def _set_telemetry(hook: "object | None") -> None:
    """
    Sets who is told of the calls that start from now on; nobody, if it is None.
    """

def csv(source: "str | PathLike[str] | SupportsRead", *, columns: Mapping[str, str] | None = None, delimiter: str = ",") -> RowSource:
    """
    The rows of a CSV file, for `plan`: RFC 4180, in UTF-8, with a header. `csv_template` gives its columns.

    source is a path, or a file that is open for reading. columns maps names of the template to those of the file, such
    as `{"id": "Invoice no."}`: a column that is not mapped has its name in the template. Columns that are not known are
    told by the plan, and not used.

    Errors: `ConfigurationError`, naming `columns` or `delimiter`. What is wrong with the file, the plan says.

    Example:

        >>> from komopay import batches
        >>> rows = batches.csv("payroll.csv", columns={"id": "employee", "amount": "net"})
    """

def csv_template(method_code: str | None = None) -> str:
    """
    The header of a CSV file for payouts by this method, such as `BANK_TRANSFER`, or without one by any: every column
    that it may have.

    Errors: `InvalidRequestError`, naming `method_code`, if it is not known.

    Example:

        >>> from komopay.batches import csv_template
        >>> csv_template().split(",")[:4]
        ['id', 'payout_id', 'amount', 'currency']
    """

def generate_journal_key() -> str:
    """
    A new key for a journal, as `journal_key` takes it: 32 random bytes. Keep it like a password, and apart from the
    journal: without it, nobody can read the payees in there.

    Example:

        >>> from komopay.batches import generate_journal_key
        >>> len(generate_journal_key())
        44
    """

def json_lines(source: "str | PathLike[str] | SupportsRead", *, columns: Mapping[str, str] | None = None) -> RowSource:
    """
    The rows of a JSON Lines file, for `plan`: an object on each line, in UTF-8, with the names of the CSV template.

    source and columns are as those of `csv`. Values are strings; the amount may be a whole number. A name that is not
    known is a problem of its row.

    Errors: `ConfigurationError`, naming `columns`. What is wrong with the file, the plan says.

    Example:

        >>> from komopay import batches
        >>> rows = batches.json_lines("payroll.jsonl")
    """

def run_program(arguments: "list[str]") -> int:
    """
    Runs `komopay` with these arguments, of which the first is the program's name, and returns the exit code.
    """
