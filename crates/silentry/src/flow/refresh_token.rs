//! Another library's refresh token becomes tokens of ours (RFC 6749 section 6).

use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::token_request::TokenGrant;

use super::asked::Asked;
use super::call::Call;
use crate::client::AcquireTokenByRefreshToken;
use crate::error::{Code, Error, Stage};
use crate::flow_name::Flow;
use crate::result::AuthenticationResult;

pub(crate) async fn sign_in(
    request: AcquireTokenByRefreshToken,
) -> Result<AuthenticationResult, Error> {
    let application = &request.application;
    let asked = Asked::new(
        Flow::RefreshToken,
        application,
        &request.scopes,
        request.options,
    )?;
    if request.refresh_token.is_empty() {
        return Err(Error::new(
            Code::NoRefreshToken,
            Stage::Request,
            "no refresh token is given",
        ));
    }
    let call = Call::new(application, &asked.options)?;
    let grant = TokenGrant::RefreshToken(&request.refresh_token);
    let redemption = asked.redemption("refresh_token");
    let exchange = redemption.grant(&call, grant, Grant::Other);
    call.run(Flow::RefreshToken, exchange).await
}
