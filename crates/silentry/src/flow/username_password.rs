//! A user name and a password become a token: at the federation server of a federated domain (usernamemixed), else at
//! the authority itself, be it Entra, AD FS or another server (RFC 6749 section 4.3).
//!
//! Each request with the password is sent once, on a connection of its own: a wrong password sent twice counts twice
//! towards the lockout of the account.

use std::time::{Duration, SystemTime};

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::http::date;
use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::token_request::TokenGrant;
use silentry_protocol::secret::Secret;
use silentry_protocol::wstrust::assertion::SamlAssertion;
use silentry_protocol::wstrust::rst::{UsernameToken, WsTrustRequest};

use super::asked::Asked;
use super::call::Call;
use super::federation::{self, Credential, Federation};
use super::redeem::Redemption;
use super::whose::Proof;
use super::{flight, wstrust};
use crate::authority::Authority;
use crate::client::AcquireTokenByUsernamePassword;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;
use crate::identity::UserPrincipalName;
use crate::random;
use crate::result::AuthenticationResult;

/// How long the RST says that it is good, as every MSAL does.
const RST_LIFETIME: Duration = Duration::from_secs(10 * 60);

pub(crate) async fn sign_in(
    request: AcquireTokenByUsernamePassword,
) -> Result<AuthenticationResult, Error> {
    let application = &request.application;
    let asked = Asked::new(
        Flow::UsernamePassword,
        application,
        &request.scopes,
        request.options,
    )?;
    // Refused before any network.
    let upn = upn(&asked.authority, &request.username)?;
    if request.password.is_empty() {
        return Err(Error::new(
            Code::PasswordRequired,
            Stage::Request,
            format!("no password is given for {}", request.username.trim()),
        ));
    }
    let call = Call::new(application, &asked.options)?;
    let redemption = Redemption {
        proof: Proof::Password(&request.username),
        ..asked.redemption("password")
    };

    let result = async {
        let own_metadata = request.federation_metadata.as_deref();
        if let Some(upn) = &upn
            && let Some(federation) =
                federation::discover_for_password(&call, &asked.authority, upn, own_metadata)
                    .await?
        {
            let assertion = request_assertion(&call, &federation, upn, &request.password).await?;
            return redemption.assertion(&call, &assertion).await;
        }
        let grant = TokenGrant::Password {
            username: upn
                .as_ref()
                .map_or(request.username.trim(), UserPrincipalName::as_str),
            password: &request.password,
        };
        redemption.grant(&call, grant, Grant::Other).await
    };
    let name = flight::name(application, request.username.trim(), &asked);
    let asking = application.throttle.asking(name);
    let throttle = &application.throttle;
    let unless_refused = throttle.around(&*application.clock, &asking, result);
    call.run(Flow::UsernamePassword, unless_refused).await
}

/// Reads the UPN, which leads to the federation server; `None` where the authority takes the password itself, from a
/// user by any name: AD FS knows `CONTOSO\alice` too, and other servers have names of their own.
fn upn(authority: &Authority, username: &str) -> Result<Option<UserPrincipalName>, Error> {
    if authority.kind() == AuthorityKind::Entra {
        authority.require_organization()?;
        return UserPrincipalName::parse(username).map(Some);
    }
    if username.trim().is_empty() {
        let message = "no user name is given";
        return Err(Error::new(Code::InvalidUsername, Stage::Request, message));
    }
    Ok(None)
}

/// Asks the best endpoint alone: the other version of the protocol would be a second attempt with the password.
async fn request_assertion(
    call: &Call<'_>,
    federation: &Federation,
    upn: &UserPrincipalName,
    password: &Secret,
) -> Result<SamlAssertion, Error> {
    let Some(endpoint) = federation.endpoints.first() else {
        return Err(Error::new(
            Code::WstrustEndpointNotFound,
            Stage::Mex,
            "no endpoint is left",
        ));
    };
    let now = call.application.clock.now();
    let token = UsernameToken {
        username: upn.as_str(),
        password: password.expose(),
        created: &timestamp(now),
        expires: &timestamp(now + RST_LIFETIME),
    };
    let rst =
        WsTrustRequest::username_password(endpoint, &federation.audience, &random::guid()?, &token)
            .map_err(|error| Error::of(Stage::WsTrust, &error))?;
    let url = endpoint.url().as_url();
    let request = call.soap_post(url, &rst);
    let response = call
        .exchange
        .send_single(Stage::WsTrust, url, &request)
        .await?;
    wstrust::read_reply(call, endpoint, &response, Credential::Password)
}

/// The time as XML Schema writes it, from how HTTP does: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7).
fn timestamp(time: SystemTime) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = date::format(time);
    let month = MONTHS.find(&date[8..11]).unwrap_or_default() / 3 + 1;
    let (day, year, clock) = (&date[5..7], &date[12..16], &date[17..25]);
    format!("{year}-{month:02}-{day}T{clock}.000Z")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::timestamp;

    #[test]
    fn times_are_those_of_xml_schema() {
        let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777), "1994-11-06T08:49:37.000Z");
        assert_eq!(at(1_709_164_799), "2024-02-28T23:59:59.000Z");
        assert_eq!(at(1_735_689_600), "2025-01-01T00:00:00.000Z");
    }
}
