//! The front door: one method per operation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::auth::{AccessScope, AccessToken, ChunkToken};
use crate::callback_url::{self, CallbackUrlOptions};
use crate::callbacks::{self, Callback, Refused};
use crate::caller::Telling;
use crate::catalogue::{
    self, Balance, MerchantInfo, PaymentOperator, PaymentOption, PaymentOptionFilter, PayoutOption,
};
use crate::changes::{self, PayoutChange};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::issue;
use crate::money::Money;
use crate::options::CallOptions;
use crate::payouts::follow::SingleFlight;
use crate::payouts::in_flight::InFlight;
use crate::payouts::{Found, PayoutRequest, PayoutWaits, calls, create, find};
use crate::session::Session;
use crate::telemetry::CallOutcome;
use crate::values::{Payout, PayoutAccepted, PayoutId};

/// A client of the payout API. Cheap to clone; clones share connections, tokens and creates under way.
///
/// **Authentication.** With a merchant's code and secret, each payout gets a token of its own that allows exactly its
/// calls and its money; it is renewed before it ends. With a ready token, that token is used as it is.
///
/// **Retries.** Calls are repeated where that is safe and helps, within one deadline. A create is repeated only under
/// the outcome rules: it never pays twice, and never calls an unknown outcome a failure.
///
/// **Waiting in line.** Where calls have to wait (`requests_per_second`, `max_concurrency`, trouble at the platform),
/// they go in the order they came. Each try is a task of its own: a future that is not polled holds up nobody.
///
/// Its calls need a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// The calls under way, and what they share.
struct Inner {
    session: Arc<Session>,
    creates: Arc<InFlight>,
    reads: Arc<SingleFlight>,
    refused_callbacks: Arc<Refused>,
}

impl Client {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// `configuration`, naming the setting; also `change_store`, if it is the store of another base URL, merchant or
    /// mode (`is_test`), or cannot be used.
    pub fn new(config: Config) -> Result<Self> {
        let creates = Arc::new(InFlight::new()?);
        let session = Arc::new(Session::new(config)?);
        let reads = SingleFlight::new(Arc::clone(&session));
        Ok(Self(Arc::new(Inner { session, creates, reads, refused_callbacks: Arc::default() })))
    }

    /// This client with other options. It shares everything with this one: connections, tokens, the throttle, creates
    /// under way, what is remembered of unknown outcomes; and it is closed when either is.
    ///
    /// A create that joins an equal one under way, and has less time than that, ends as `outcome_unknown` when its time
    /// is over, whether the other was sent or not.
    ///
    /// # Errors
    /// `configuration`, naming `total_timeout` or `headers`. A value of a header is never repeated.
    pub fn with_options(&self, options: &CallOptions) -> Result<Self> {
        Ok(self.of(self.0.session.with_options(options)?))
    }

    /// This client for one call, which has so much time, whatever call it is: [`Client::wait_for_payout`] has a time of
    /// its own.
    ///
    /// # Errors
    /// `invalid_request`, naming `timeout`, if that is less than 1 ms or more than 365 days.
    ///
    /// ```no_run
    /// # async fn read(client: komopay_core::Client) -> komopay_core::Result<()> {
    /// let currencies = client.within(std::time::Duration::from_secs(5))?.currencies().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(&self, timeout: Duration) -> Result<Self> {
        Ok(self.of(self.0.session.within(timeout)?))
    }

    /// A call that tells of itself.
    fn told<T, F: Future<Output = Result<T>>>(
        &self,
        operation: &'static str,
        payout_id: Option<&PayoutId>,
        call: F,
    ) -> Telling<T, F> {
        self.0.session.told(operation, payout_id, |_| CallOutcome::Done, call)
    }

    /// The deadline of a whole call, with the options of this client.
    #[must_use]
    pub fn total_timeout(&self) -> Duration {
        self.0.session.limits.total
    }

    /// The deadline of one request on the wire, with the options of this client.
    #[must_use]
    pub fn attempt_timeout(&self) -> Duration {
        self.0.session.limits.attempt
    }

    /// Whose payouts these are: base URL, merchant and mode, in one text. A journal belongs to one.
    #[doc(hidden)]
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.0.session.owner
    }

    /// For how long after an attempt was given up it may still execute, or a read not show it.
    #[doc(hidden)]
    #[must_use]
    pub fn settle_window(&self) -> Duration {
        self.0.session.limits.settle_window
    }

    /// The same client, whose calls are of this session.
    fn of(&self, session: Session) -> Self {
        let Inner { session: _, creates, reads, refused_callbacks } = &*self.0;
        let session = Arc::new(session);
        Self(Arc::new(Inner {
            reads: reads.of(Arc::clone(&session)),
            session,
            creates: Arc::clone(creates),
            refused_callbacks: Arc::clone(refused_callbacks),
        }))
    }

    /// Makes a payout: `POST /payouts/{id}` under the outcome rules, within `total_timeout`.
    ///
    /// Store the id **before** the first call. `resume` says "this id may have been sent before": after
    /// `outcome_unknown`, after a crash, in a job that is run again. Success means that the platform took the payout,
    /// not that the money arrived: follow it with [`Client::wait_for_payout`].
    ///
    /// Dropping the future releases the caller at once; no further attempt starts, and the one on the wire is read to
    /// its end and logged.
    ///
    /// # Errors
    /// `outcome_unknown` is the one that must be followed up: the payout may exist. Call again with the same id, the
    /// same request and `resume`. Every other kind tells by [`Error::money_may_have_moved`] where it stands.
    ///
    /// ```no_run
    /// # async fn pay(client: komopay_core::Client) -> komopay_core::Result<()> {
    /// use komopay_core::{BankAccount, BankTransfer, Money, PayoutId, PayoutRequest};
    ///
    /// let id = PayoutId::new("TST-223344")?;
    /// let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
    /// let request = PayoutRequest::new(Money::new("10000", "IDR")?, bank);
    /// let accepted = client.create_payout(&id, &request, false).await?;
    /// assert_eq!(accepted.payout_id, id);
    /// # Ok(())
    /// # }
    /// ```
    #[tracing::instrument(target = "komopay", skip_all, fields(payout_id = %id, resume))]
    pub async fn create_payout(&self, id: &PayoutId, request: &PayoutRequest, resume: bool) -> Result<PayoutAccepted> {
        let Inner { session, creates, .. } = &*self.0;
        session
            .told(
                "create_payout",
                Some(id),
                create_outcome,
                create::create(session, creates, id, request, resume, None),
            )
            .await
    }

    /// A token that allows the creates of these payouts, and nothing else, for `validity`, 60 s to 3600 s: `POST
    /// /auth-tokens`. It fences them: under it, no payout can be made after its end, whoever holds it and however late
    /// it wakes up.
    ///
    /// A token whose end cannot be read, or that is valid for longer than was asked for, is thrown away.
    ///
    /// # Errors
    /// `invalid_request`, naming `ids` if there are none or more than one token covers ([`ChunkToken::fits`]), or
    /// `validity`; `configuration`, naming `credentials`, if this client has no merchant code and secret;
    /// `unexpected_response` if the token that was issued is no fence; else as [`Client::issue_token`].
    ///
    /// ```no_run
    /// # async fn pay(
    /// #     client: komopay_core::Client,
    /// #     chunk: Vec<(komopay_core::PayoutId, komopay_core::PayoutRequest)>,
    /// # ) -> komopay_core::Result<()> {
    /// use std::time::Duration;
    ///
    /// let ids: Vec<_> = chunk.iter().map(|(id, _)| id.clone()).collect();
    /// let token = client.chunk_token(&ids, Duration::from_secs(60)).await?;
    /// // Note token.life() where other workers see it, and send nothing before that is done.
    /// for (id, request) in &chunk {
    ///     client.create_payout_under(&token, id, request).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn chunk_token(&self, ids: &[PayoutId], validity: Duration) -> Result<ChunkToken> {
        self.told("chunk_token", None, issue::chunk_token(&self.0.session, ids, None, validity)).await
    }

    /// The same for one payout, which allows exactly its money.
    ///
    /// # Errors
    /// As [`Client::chunk_token`].
    #[tracing::instrument(target = "komopay", skip_all, fields(payout_id = %id))]
    pub async fn payout_token(&self, id: &PayoutId, money: &Money, validity: Duration) -> Result<ChunkToken> {
        let call = issue::chunk_token(&self.0.session, std::slice::from_ref(id), Some(money), validity);
        self.told("payout_token", Some(id), call).await
    }

    /// Makes a payout under a chunk's token: [`Client::create_payout`] with an end that the platform enforces.
    ///
    /// The token is never renewed, and no attempt starts later than `attempt_timeout` before its end
    /// ([`ChunkToken::ends`]); one that is under way keeps its own time. A call that has sent nothing by then ends at
    /// once, as one of which no money moved; a 401 to the token means the same. What may have been sent is settled by
    /// reading, with other tokens, which allow that only.
    ///
    /// The id may have been sent before by a worker that is gone, or by one whose journal was lost. So a payout of any
    /// age that agrees is this one: a 409 is settled by reading, as where a call resumes. An equal call under the same
    /// token is joined; any other one of this id is waited for.
    ///
    /// A 431, or a 400 that is no JSON, is no answer of the platform: something on the way does not take so long a
    /// token. It proves nothing, no further attempt follows, and unless the payout is found, the call ends as
    /// `outcome_unknown`, with [`Error::token_too_long`].
    ///
    /// # Errors
    /// As [`Client::create_payout`]; that no money moved is said of this call, and not of those before it under other
    /// tokens. `invalid_request`, naming `token`, if that is of another client or does not allow
    /// this id; `timed_out` if the token's end came before anything was sent, and nothing else had gone wrong;
    /// `authentication` (401) if the platform does not take the token any more, and nothing was executed.
    #[tracing::instrument(target = "komopay", skip_all, fields(payout_id = %id))]
    pub async fn create_payout_under(
        &self,
        token: &ChunkToken,
        id: &PayoutId,
        request: &PayoutRequest,
    ) -> Result<PayoutAccepted> {
        let Inner { session, creates, .. } = &*self.0;
        let call = create::create(session, creates, id, request, false, Some(token));
        session.told("create_payout", Some(id), create_outcome, call).await
    }

    /// Was this payment made? What a worker asks that settles a create which another one may have sent: it reads over a
    /// connection of its own, up to `read_attempts` times within `total_timeout`.
    ///
    /// A payout that agrees in all that the platform repeats is [`Found::Made`], whatever its age. "Not there" is no
    /// proof that it will not be: it is one only after the end of every token that it may have been sent under, and the
    /// time that a request may take to execute.
    ///
    /// # Errors
    /// `unexpected_response` if a field that decides cannot be read from the answer; else as [`Client::get_payout`],
    /// and never `not_found` for a payout that is not there (410).
    ///
    /// ```no_run
    /// # async fn settle(
    /// #     client: komopay_core::Client,
    /// #     id: komopay_core::PayoutId,
    /// #     request: komopay_core::PayoutRequest,
    /// # ) -> komopay_core::Result<()> {
    /// use komopay_core::Found;
    ///
    /// match client.find_payout(&id, &request).await? {
    ///     Found::Made(accepted) => println!("{} was made", accepted.payout_id),
    ///     Found::Other(payout) => println!("the id belongs to a payout of {}", payout.money),
    ///     Found::NotThere { date } => println!("nothing is there, the platform said at {date:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[tracing::instrument(target = "komopay", skip_all, fields(payout_id = %id))]
    pub async fn find_payout(&self, id: &PayoutId, request: &PayoutRequest) -> Result<Found> {
        self.told("find_payout", Some(id), find::find(&self.0.session, id, request)).await
    }

    /// Reads a payout: `GET /payouts/{id}`, tried up to `read_attempts` times within `total_timeout`.
    ///
    /// # Errors
    /// `not_found` if there is no such payout now (410); `unavailable`, `timed_out` or `rate_limited` if it could not
    /// be read; `unexpected_response` if the answer cannot be understood; `authentication` or `permission_denied` if
    /// the credentials do not allow it; `configuration` if it is of the other mode (`is_test`); `closed`.
    #[tracing::instrument(target = "komopay", skip_all, fields(payout_id = %id))]
    pub async fn get_payout(&self, id: &PayoutId) -> Result<Payout> {
        self.told("get_payout", Some(id), calls::get(&self.0.reads, id)).await
    }

    /// Reads a payout until its status is final, with growing pauses. It returns on FAILED and REFUSED too.
    ///
    /// A 410 within the settle window, a 429, a 5xx and a lost connection are waited out.
    ///
    /// # Errors
    /// `not_final` when `timeout` is over, with the last payout seen; `not_found` if the platform knows no such payout.
    #[tracing::instrument(target = "komopay", skip_all, fields(payout_id = %id))]
    pub async fn wait_for_payout(&self, id: &PayoutId, timeout: Duration) -> Result<Payout> {
        self.told("wait_for_payout", Some(id), calls::wait(&self.0.reads, id, timeout)).await
    }

    /// Waits for many payouts, and gives each as soon as it is final, or as its wait ends otherwise: with one rate for
    /// all their reads, and with tokens that cover up to 32 of them. Each has `timeout` from now on. An id that is
    /// given twice is waited for once.
    ///
    /// Reads of one payout pause as those of [`Client::wait_for_payout`] do, and longer where `reads_per_second` does
    /// not let more pass: at 100 ([`PayoutWaits::READS_PER_SECOND`]), 5,000 payouts are read about once in 50 seconds.
    ///
    /// # Errors
    /// `invalid_request`, naming `reads_per_second`, if that is not 0.001 to 1000000; `closed`. What goes wrong with
    /// one payout is told in its [`WaitedPayout`](crate::WaitedPayout), and ends no other wait.
    ///
    /// ```no_run
    /// # async fn follow(client: komopay_core::Client, ids: &[komopay_core::PayoutId]) -> komopay_core::Result<()> {
    /// use std::time::Duration;
    /// use komopay_core::PayoutWaits;
    ///
    /// let mut waits = client.wait_for_payouts(ids, Duration::from_secs(600), PayoutWaits::READS_PER_SECOND)?;
    /// while let Some(waited) = waits.next().await {
    ///     match waited.result {
    ///         Ok(payout) => println!("{} {}", waited.payout_id, payout.status),
    ///         Err(error) => println!("{} {error}", waited.payout_id),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_for_payouts(&self, ids: &[PayoutId], timeout: Duration, reads_per_second: f64) -> Result<PayoutWaits> {
        PayoutWaits::new(&self.0.reads, ids, timeout, reads_per_second)
    }

    /// The ways to pay out this money now, with their operators: `POST /payouts/!availablePaymentOptions`.
    ///
    /// Where the platform knows no channel (a 406 of `PAYMENT_CHANNEL_NO_*` codes only), the list is empty.
    ///
    /// # Errors
    /// `rejected` if the money itself is refused, for example for a limit; else as [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn payout_options(
        &self,
        money: &Money,
        segment_code: Option<&str>,
        exchanged_to_currency: Option<&str>,
    ) -> Result<Vec<PayoutOption>> {
        let call = catalogue::payout_options(&self.0.session, money, segment_code, exchanged_to_currency);
        self.told("payout_options", None, call).await
    }

    /// The balances in these currencies, or in all if none is named: `GET /balances`. A currency without an account is
    /// left out.
    ///
    /// # Errors
    /// As [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn balances(&self, currencies: &[String]) -> Result<Vec<Balance>> {
        self.told("balances", None, catalogue::balances(&self.0.session, currencies)).await
    }

    /// The codes of the currencies enabled for the merchant: `GET /currencies`.
    ///
    /// # Errors
    /// As [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn currencies(&self) -> Result<Vec<String>> {
        self.told("currencies", None, catalogue::currencies(&self.0.session)).await
    }

    /// The codes of the customer segments: `GET /segments`.
    ///
    /// # Errors
    /// As [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn segments(&self) -> Result<Vec<String>> {
        self.told("segments", None, catalogue::segments(&self.0.session)).await
    }

    /// All banks, wallets and blockchains, of any direction and currency: `GET /payment-operators`.
    ///
    /// # Errors
    /// As [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn payment_operators(&self) -> Result<Vec<PaymentOperator>> {
        self.told("payment_operators", None, catalogue::payment_operators(&self.0.session)).await
    }

    /// The codes of all payment methods, of both directions: `GET /payment-methods`.
    ///
    /// # Errors
    /// As [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn payment_methods(&self) -> Result<Vec<String>> {
        self.told("payment_methods", None, catalogue::payment_methods(&self.0.session)).await
    }

    /// Methods and operators with their limits for this merchant, switched off ones included: `GET /payment-options`.
    ///
    /// # Errors
    /// `rejected` if the platform does not know a code of the filter; else as [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn payment_options(&self, filter: &PaymentOptionFilter) -> Result<Vec<PaymentOption>> {
        self.told("payment_options", None, catalogue::payment_options(&self.0.session, filter)).await
    }

    /// The merchant as customers see it: `GET /merchant-info`.
    ///
    /// # Errors
    /// As [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn merchant_info(&self) -> Result<MerchantInfo> {
        Ok(self.told("merchant_info", None, catalogue::merchant_info(&self.0.session)).await?.0)
    }

    /// Issues a token for someone else to use, such as a mobile app: `POST /auth-tokens`. It is valid for `validity`,
    /// 60 s to 3600 s.
    ///
    /// # Errors
    /// `configuration` if this client has no merchant code and secret; `invalid_request`, naming `scope.operations` or
    /// `validity`; `authentication` or `rejected` if the platform issues none.
    ///
    /// ```no_run
    /// # async fn hand_over(client: komopay_core::Client) -> komopay_core::Result<()> {
    /// use std::time::Duration;
    /// use komopay_core::{AccessScope, Money, PayoutId};
    ///
    /// let scope = AccessScope::Payout { id: PayoutId::new("TST-223344")?, money: Money::new("10000", "IDR")? };
    /// let token = client.issue_token(&scope, Duration::from_secs(600)).await?;
    /// println!("for the app until {:?}", token.expires_at); // token.expose() is what the app gets
    /// # Ok(())
    /// # }
    /// ```
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn issue_token(&self, scope: &AccessScope, validity: Duration) -> Result<AccessToken> {
        self.told("issue_token", None, issue::issue_token(&self.0.session, scope, validity)).await
    }

    /// Proves that host, credentials and clock work, moving nothing: gets a token and reads the merchant's data.
    ///
    /// # Errors
    /// `configuration`, naming `clock`, if this machine's clock is more than 5 minutes off the platform's;
    /// `authentication` if the credentials are not accepted; else as [`Client::get_payout`].
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn check_credentials(&self) -> Result<MerchantInfo> {
        let call = catalogue::merchant_info(&self.0.session);
        let (info, date) = self.told("check_credentials", None, call).await?;
        let off = date.map(|date| Timestamp::now().duration_since(date)).unwrap_or_default();
        if off.unsigned_abs() > Duration::from_mins(5) {
            let text = format!("this machine's clock is {} s off the platform's", off.as_secs());
            return Err(Error::setting("clock", text));
        }
        Ok(info)
    }

    /// Signs a callback URL for this payout: the URL to hand over as the request's `callback_url`.
    ///
    /// The platform signs no callback. So the URL carries a keyed signature over this id and its expiry, by the first
    /// of the `callback_keys`. Host and path are not signed, since proxies rewrite them. Nothing is sent.
    ///
    /// # Errors
    /// `configuration`, naming `callback_keys`, without a key; `invalid_request`, naming `callback_url`, if `base` is
    /// no absolute https URL (plain http is for loopback), holds a user name, a password, a fragment or a signature, or
    /// is longer than 1000 characters when it is signed (contract: `callbackUrl`), or naming `expires_at`, if that is
    /// not in the future.
    ///
    /// ```
    /// use komopay_core::{CallbackKey, CallbackUrlOptions, Client, Config, Credentials, PayoutId, SANDBOX_URL};
    ///
    /// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
    /// config.callback_keys = vec![CallbackKey::new("what `openssl rand -hex 32` printed")];
    /// let client = Client::new(config)?;
    /// let id = PayoutId::new("TST-223344")?;
    /// let url = client.callback_url("https://shop.example/hook", &id, &CallbackUrlOptions::default())?;
    /// assert!(url.starts_with("https://shop.example/hook/1.0."));
    ///
    /// let callback = client.read_callback(br#"{"idEntity": "TST-223344"}"#, &url)?;
    /// assert_eq!((callback.payout_id, callback.verified), (id, true));
    /// assert!(client.read_callback(br#"{"idEntity": "TST-223345"}"#, &url).is_err());
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    pub fn callback_url(&self, base: &str, id: &PayoutId, options: &CallbackUrlOptions) -> Result<String> {
        callback_url::sign(&self.0.session.callback_keys, base, id, options, Timestamp::now())
    }

    /// Reads a callback, and checks that its URL was signed for its payout. Nothing is sent.
    ///
    /// `body` is the raw body of the request; `url` is the URL that was requested, absolute or from its path on. A
    /// client without `callback_keys` reads the body only, and says that it is not verified.
    ///
    /// # Errors
    /// `invalid_callback`. Its `field` tells what is wrong: `body` (no `{"idEntity": "<payout id>"}`), `body_size`
    /// (over 64 KiB), `url` (over 8 KiB), `signature` (missing, forged, or for another payout) or `expires_at` (over).
    pub fn read_callback(&self, body: &[u8], url: &str) -> Result<Callback> {
        callbacks::check(&self.0.session.callback_keys, body, url, Timestamp::now())
    }

    /// Reads a callback, checks it, and reads the payout from the platform. Whoever calls never says the status.
    ///
    /// Where there is a `change_store`, a change is in it when this returns. Answer with 200 then, and with
    /// [`Error::callback_status`] after an error, so that the platform repeats what was not dealt with. Of callbacks
    /// for one payout, those that come while it is read share one more read.
    ///
    /// The log tells of those that ended with an error, as a warning: of the first at once, of those that follow as one
    /// number a minute, since anybody who finds the URL can send them.
    ///
    /// # Errors
    /// As [`Client::read_callback`], and nothing is sent then; `configuration`, naming `callback_keys`, without a key;
    /// `unavailable`, naming `change_store`, if that failed; `timed_out` if the payout could not be read within
    /// `callback_timeout`; else as [`Client::get_payout`].
    ///
    /// ```no_run
    /// # async fn hook(client: komopay_core::Client, body: &[u8], url: &str) -> u16 {
    /// match client.handle_callback(body, url).await {
    ///     Ok(_) => 200,
    ///     Err(error) => error.callback_status(),
    /// }
    /// # }
    /// ```
    #[tracing::instrument(target = "komopay", skip_all)]
    pub async fn handle_callback(&self, body: &[u8], url: &str) -> Result<Payout> {
        let handled = self.told("handle_callback", None, callbacks::handle(&self.0.reads, body, url)).await;
        handled.inspect_err(|error| self.0.refused_callbacks.tell(error))
    }

    /// Whether this client can receive callbacks and keep the changes that they show: what a receiver asks when it is
    /// made. Nothing is sent, and the store is not asked.
    ///
    /// # Errors
    /// `configuration`, naming `callback_keys` or `change_store`, whichever is missing.
    ///
    /// ```
    /// use komopay_core::{CallbackKey, Client, Config, Credentials, SANDBOX_URL};
    ///
    /// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
    /// config.callback_keys = vec![CallbackKey::new("what `openssl rand -hex 32` printed")];
    /// let client = Client::new(config)?;
    /// assert_eq!(client.check_callbacks().unwrap_err().field(), Some("change_store"));
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    pub fn check_callbacks(&self) -> Result<()> {
        callbacks::needed_keys(&self.0.session.callback_keys)?;
        self.check_changes()
    }

    /// Whether this client keeps changes: what a worker asks when it is made. The store is not asked.
    ///
    /// # Errors
    /// `configuration`, naming `change_store`, if it is missing.
    ///
    /// ```
    /// use komopay_core::{Client, Config, Credentials, SANDBOX_URL};
    ///
    /// let client = Client::new(Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET")))?;
    /// assert_eq!(client.check_changes().unwrap_err().field(), Some("change_store"));
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    pub fn check_changes(&self) -> Result<()> {
        changes::needed(self.0.session.change_store.as_deref()).map(|_| ())
    }

    /// Takes changes out of the `change_store` to handle them: at most `limit`, the oldest first, and of one payout
    /// only the first that was not acknowledged. For `change_lease`, nobody else is given them.
    ///
    /// Acknowledge each when it is handled. One that is not acknowledged in time is given again, perhaps while a slow
    /// worker is still at it, who must not undo what came after. So keep, for each payout, the highest
    /// [`PayoutChange::sequence`] that was handled, in one transaction with what is done for it, and ignore a change
    /// whose number is not above it. One that cannot be read back is left out, and logged with its id and number.
    ///
    /// Where there is nothing to take, changes that have been over for `keep_changes` are deleted, 100 at most.
    ///
    /// # Errors
    /// `configuration`, naming `change_store`, without one; `unavailable`, naming it, if it failed or nothing that was
    /// taken can be read back; `configuration`, naming `is_test`, if all that was taken is of the other mode; `closed`.
    ///
    /// ```no_run
    /// # async fn work(client: komopay_core::Client) -> komopay_core::Result<()> {
    /// for change in client.take_changes(10).await? {
    ///     println!("{} is now {}", change.payout_id, change.payout.status);
    ///     client.acknowledge_change(&change.payout_id, change.sequence).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn take_changes(&self, limit: usize) -> Result<Vec<PayoutChange>> {
        self.0.session.check_open()?;
        let check = |payout: &Payout| self.0.session.check_mode(payout);
        let session = &self.0.session;
        changes::take(session.change_store.as_deref(), limit, session.change_lease, session.keep_changes, check).await
    }

    /// Notes in the `change_store` that a change was handled: it is never given again, and the payout's next one may
    /// be. That holds also if the lease has run out, and somebody else has the change meanwhile.
    ///
    /// # Errors
    /// As [`Client::take_changes`].
    pub async fn acknowledge_change(&self, payout_id: &PayoutId, sequence: u64) -> Result<()> {
        self.0.session.check_open()?;
        changes::acknowledge(self.0.session.change_store.as_deref(), payout_id, sequence).await
    }

    /// The ids of the creates under way, also of those that nobody waits for any more. A program that ends now does not
    /// learn their outcomes, and may have made any of them.
    #[must_use]
    pub fn creates_under_way(&self) -> Vec<PayoutId> {
        self.0.creates.ids()
    }

    /// Refuses new calls, stops further attempts, and waits for the creates on the wire, up to their deadlines.
    pub async fn close(&self) {
        self.refuse_calls();
        self.0.creates.drained(create::GRACE).await;
    }

    /// The first half of [`Client::close`]: it refuses new calls, stops further attempts, and waits for nothing.
    pub fn refuse_calls(&self) {
        self.0.session.close();
        self.0.creates.shut();
    }
}

fn create_outcome(accepted: &PayoutAccepted) -> CallOutcome {
    if accepted.recovered { CallOutcome::Recovered } else { CallOutcome::Done }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.0.session.base_url).finish_non_exhaustive()
    }
}
