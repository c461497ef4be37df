//! `NativeClient`: one method per operation. It converts, runs the core's call, and decides nothing.

use std::future::Future;
use std::sync::Arc;

use komopay_bindings_common::clients::Noted;
use komopay_core::{Client, ErrorKind, PayoutId};

use crate::access::{AccessScope, IssuedToken};
use crate::config::{Config, Language};
use crate::error::CallFailure;
use crate::live::CLIENTS;
use crate::log::heard;
use crate::money::Money;
use crate::runtime::{self, Cancellation};
use crate::scalar::Span;
use crate::values::{
    Balance, MerchantInfo, PaymentOperator, PaymentOption, PaymentOptionFilter, Payout, PayoutAccepted, PayoutOption,
    PayoutRequest,
};

/// The native half of a client; the fronts' `Client` is what to use.
#[derive(uniffi::Object)]
pub struct NativeClient {
    pub(crate) client: Client,
    /// It is known for the end of the process while it, or one that it made with other options, is there.
    pub(crate) noted: Arc<Noted>,
}

pub(crate) type Cancel = Option<Arc<Cancellation>>;

#[uniffi::export]
impl NativeClient {
    /// A client with these settings. Nothing is sent yet.
    #[uniffi::constructor]
    pub fn new(config: Config, language: Language) -> Result<Self, CallFailure> {
        let config = config.into_core(language)?;
        let noted = CLIENTS.note(heard(|| Client::new(config))?);
        Ok(Self { client: noted.clone(), noted: Arc::new(noted) })
    }

    /// `POST /payouts/{id}` under the outcome rules.
    pub async fn create_payout(
        &self,
        payout_id: String,
        request: PayoutRequest,
        resume: bool,
        cancel: Cancel,
    ) -> Result<PayoutAccepted, CallFailure> {
        let (client, id) = (self.client.clone(), PayoutId::new(payout_id)?);
        let creates = id.clone();
        let call = async move { client.create_payout(&creates, &request.into(), resume).await };
        runtime::run_create(cancel, &id, resume, call).await
    }

    /// `GET /payouts/{id}`.
    pub async fn get_payout(&self, payout_id: String, cancel: Cancel) -> Result<Payout, CallFailure> {
        let id = PayoutId::new(payout_id)?;
        self.call(cancel, |client| async move { client.get_payout(&id).await }).await
    }

    /// Reads a payout until its status is final.
    pub async fn wait_for_payout(
        &self,
        payout_id: String,
        timeout: Span,
        cancel: Cancel,
    ) -> Result<Payout, CallFailure> {
        let timeout = timeout.duration("timeout", ErrorKind::InvalidRequest)?;
        let id = PayoutId::new(payout_id)?;
        self.call(cancel, |client| async move { client.wait_for_payout(&id, timeout).await }).await
    }

    /// `POST /payouts/!availablePaymentOptions`.
    pub async fn payout_options(
        &self,
        money: Money,
        segment_code: Option<String>,
        exchanged_to_currency: Option<String>,
        cancel: Cancel,
    ) -> Result<Vec<PayoutOption>, CallFailure> {
        self.list(cancel, |client| async move {
            client.payout_options(&money.into(), segment_code.as_deref(), exchanged_to_currency.as_deref()).await
        })
        .await
    }

    /// `GET /balances`.
    pub async fn balances(&self, currencies: Vec<String>, cancel: Cancel) -> Result<Vec<Balance>, CallFailure> {
        self.list(cancel, |client| async move { client.balances(&currencies).await }).await
    }

    /// `GET /currencies`.
    pub async fn currencies(&self, cancel: Cancel) -> Result<Vec<String>, CallFailure> {
        self.call(cancel, |client| async move { client.currencies().await }).await
    }

    /// `GET /segments`.
    pub async fn segments(&self, cancel: Cancel) -> Result<Vec<String>, CallFailure> {
        self.call(cancel, |client| async move { client.segments().await }).await
    }

    /// `GET /payment-operators`.
    pub async fn payment_operators(&self, cancel: Cancel) -> Result<Vec<PaymentOperator>, CallFailure> {
        self.list(cancel, |client| async move { client.payment_operators().await }).await
    }

    /// `GET /payment-methods`.
    pub async fn payment_methods(&self, cancel: Cancel) -> Result<Vec<String>, CallFailure> {
        self.call(cancel, |client| async move { client.payment_methods().await }).await
    }

    /// `GET /payment-options`.
    pub async fn payment_options(
        &self,
        filter: PaymentOptionFilter,
        cancel: Cancel,
    ) -> Result<Vec<PaymentOption>, CallFailure> {
        self.list(cancel, |client| async move { client.payment_options(&filter.into()).await }).await
    }

    /// `GET /merchant-info`.
    pub async fn merchant_info(&self, cancel: Cancel) -> Result<MerchantInfo, CallFailure> {
        self.call(cancel, |client| async move { client.merchant_info().await }).await
    }

    /// `POST /auth-tokens`, for someone else.
    pub async fn issue_token(
        &self,
        scope: AccessScope,
        validity: Span,
        cancel: Cancel,
    ) -> Result<IssuedToken, CallFailure> {
        let validity = validity.duration("validity", ErrorKind::InvalidRequest)?;
        let scope = scope.into_core()?;
        self.call(cancel, |client| async move { client.issue_token(&scope, validity).await }).await
    }

    /// Proves that host, credentials and clock work, moving nothing.
    pub async fn check_credentials(&self, cancel: Cancel) -> Result<MerchantInfo, CallFailure> {
        self.call(cancel, |client| async move { client.check_credentials().await }).await
    }

    /// The ids of the creates under way, also of those that nobody waits for any more.
    pub fn creates_under_way(&self) -> Vec<String> {
        self.client.creates_under_way().iter().map(ToString::to_string).collect()
    }

    /// Refuses new calls, stops further attempts, and waits for nothing.
    pub fn refuse_calls(&self) {
        self.client.refuse_calls();
    }

    /// Refuses new calls, and waits for the creates on the wire, up to their deadlines.
    pub async fn shut_down(&self, cancel: Cancel) -> Result<(), CallFailure> {
        self.call(cancel, |client| async move {
            client.close().await;
            Ok(())
        })
        .await
    }
}

impl NativeClient {
    pub(crate) async fn call<T, U, F>(&self, cancel: Cancel, call: impl FnOnce(Client) -> F) -> Result<U, CallFailure>
    where
        T: Send + 'static,
        U: From<T>,
        F: Future<Output = komopay_core::Result<T>> + Send + 'static,
    {
        runtime::run(cancel, call(self.client.clone())).await
    }

    pub(crate) async fn list<T, U, F>(
        &self,
        cancel: Cancel,
        call: impl FnOnce(Client) -> F,
    ) -> Result<Vec<U>, CallFailure>
    where
        T: Send + 'static,
        U: From<T>,
        F: Future<Output = komopay_core::Result<Vec<T>>> + Send + 'static,
    {
        let entries: Vec<T> = self.call(cancel, call).await?;
        Ok(entries.into_iter().map(U::from).collect())
    }
}
