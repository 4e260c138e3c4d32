//! The signed-in user's ticket, asked for on a thread of its own: Kerberos libraries block.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use silentry_negotiate as negotiate;
use silentry_negotiate::{
    ChannelBinding, Context, Credentials, Negotiator, ServerProof, ServicePrincipal, Step, Token,
};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::error::{Error, Stage};
use crate::identity::SignedIn;
use crate::kerberos_settings::NegotiateSettings;

/// A negotiation with one server, under way.
pub(super) struct Negotiation {
    context: Context,
    authorization: Zeroizing<String>,
}

/// How a negotiation ended.
pub(super) struct Finished {
    /// Whether the server proved itself.
    pub(super) proven: bool,
    /// Whose ticket it was, where the library tells.
    pub(super) principal: Option<String>,
}

/// What the library makes of the server's word.
pub(super) enum Next {
    /// It wants to say more: send the new [`Negotiation::authorization`] on the same connection.
    Continue(Negotiation),
    /// It is done, and the server asked for more than there is to say.
    Ended,
}

/// Returns who is signed in.
pub(super) async fn signed_in_user(settings: &NegotiateSettings) -> Result<SignedIn, Error> {
    let negotiator = negotiator(settings);
    let user = on_own_thread(move || negotiator.signed_in_user())
        .await?
        .map_err(|error| Error::from_negotiate(Stage::User, &error))?;
    if let (None, Some(failure)) = (user.upn(), user.upn_failure()) {
        return Err(Error::without_upn(user.principal(), failure));
    }
    Ok(SignedIn {
        principal: user.principal().to_owned(),
        upn: user.upn().map(str::to_owned),
    })
}

/// Makes the first token for `host`, bound to the connection that will carry it.
pub(super) async fn begin(
    settings: &NegotiateSettings,
    host: &str,
    binding: Option<ChannelBinding>,
) -> Result<Negotiation, Error> {
    let failed = |error| Error::from_negotiate(Stage::Negotiate, &error);
    let named = settings.service_principal_name.as_deref();
    let principal = principal(named, host).map_err(failed)?;
    initiate(settings, principal, binding).await
}

/// Makes the first token for the proxy on `host`. It goes out in the open: there is no certificate to bind it to, and
/// NTLM, which could be relayed from there to any server, is never a way out.
pub(super) async fn begin_with_proxy(
    settings: &NegotiateSettings,
    host: &str,
) -> Result<Negotiation, Error> {
    let named = settings.proxy_service_principal_name.as_deref();
    let principal =
        principal(named, host).map_err(|error| Error::from_negotiate(Stage::Negotiate, &error))?;
    let settings = NegotiateSettings {
        ntlm: false,
        ..settings.clone()
    };
    initiate(&settings, principal, None).await
}

/// Returns the principal that somebody names, else that of the host of the URL, to the letter.
fn principal(named: Option<&str>, host: &str) -> Result<ServicePrincipal, negotiate::Error> {
    match named {
        Some(spn) => spn.parse(),
        None => ServicePrincipal::http(host),
    }
}

async fn initiate(
    settings: &NegotiateSettings,
    principal: ServicePrincipal,
    binding: Option<ChannelBinding>,
) -> Result<Negotiation, Error> {
    let negotiator = negotiator(settings);
    let (context, token) = on_own_thread(move || negotiator.initiate(&principal, binding.as_ref()))
        .await?
        .map_err(|error| Error::from_negotiate(Stage::Negotiate, &error))?;
    Ok(Negotiation {
        context,
        authorization: authorization(&token),
    })
}

impl Negotiation {
    /// Returns the value of the `Authorization` header.
    pub(super) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Hands the library a token that came with a 401.
    pub(super) async fn answer(self, data: Vec<u8>) -> Result<Next, Error> {
        let Negotiation { mut context, .. } = self;
        let step = on_own_thread(move || {
            let step = context.step(&data)?;
            Ok((context, step))
        })
        .await?;
        match step.map_err(|error| Error::from_negotiate(Stage::WsTrust, &error))? {
            (context, Step::Send(token)) => Ok(Next::Continue(Negotiation {
                context,
                authorization: authorization(&token),
            })),
            (_, Step::Done) => Ok(Next::Ended),
        }
    }

    /// Hands the library the token of the final reply, if it carried one.
    pub(super) async fn finish(self, data: Option<Vec<u8>>) -> Result<Finished, Error> {
        let Negotiation { context, .. } = self;
        let finished = on_own_thread(move || context.finish_naming_user(data.as_deref())).await?;
        let (proof, principal) =
            finished.map_err(|error| Error::from_negotiate(Stage::WsTrust, &error))?;
        Ok(Finished {
            proven: proof == ServerProof::Verified,
            principal,
        })
    }
}

/// Makes the library's settings of ours.
pub(super) fn negotiator(settings: &NegotiateSettings) -> Negotiator {
    let credentials = match (&settings.client_keytab, &settings.ticket_cache) {
        (Some(keytab), _) => Credentials::keytab(keytab),
        (None, Some(ccache)) => Credentials::ccache(ccache),
        (None, None) => Credentials::Login,
    };
    let negotiator = Negotiator::new()
        .with_credentials(credentials)
        .with_ntlm_allowed(settings.ntlm)
        .with_timeout(settings.timeout);
    match &settings.library {
        Some(library) => negotiator.with_library(library),
        None => negotiator,
    }
}

/// Returns the binding to the connection whose certificate is `leaf`. A certificate without a defined binding (Ed25519,
/// say) goes without one: a server that requires it would have none to compare either.
pub(super) fn channel_binding(settings: &NegotiateSettings, leaf: &[u8]) -> Option<ChannelBinding> {
    if !settings.channel_binding || !negotiator(settings).passes_channel_binding() {
        return None;
    }
    ChannelBinding::tls_server_end_point(leaf)
        .inspect_err(|error| tracing::debug!(%error, "no channel binding"))
        .ok()
}

fn authorization(token: &Token) -> Zeroizing<String> {
    const SCHEME: &str = "Negotiate ";
    let bytes = token.as_bytes();
    // Reserved whole, so that no piece of the token stays behind in a buffer that was outgrown.
    let mut value = Zeroizing::new(String::with_capacity(
        SCHEME.len() + bytes.len().div_ceil(3) * 4,
    ));
    value.push_str(SCHEME);
    STANDARD.encode_string(bytes, &mut value);
    value
}

/// Runs what blocks on a thread of its own. A dropped future leaves the thread to end by its own deadline.
pub(super) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = oneshot::channel();
    let spawned = std::thread::Builder::new()
        .name("silentry-kerberos".into())
        .spawn(move || {
            // The receiver is gone when the caller has lost interest.
            let _ = sender.send(work());
        });
    let failed = |error| Error::from_negotiate(Stage::Negotiate, &error);
    spawned.map_err(|error| {
        failed(negotiate::Error::NoThread {
            reason: error.to_string(),
        })
    })?;
    receiver.await.map_err(|_| {
        failed(negotiate::Error::Failed {
            reason: "the library ended its thread".to_owned(),
        })
    })
}
