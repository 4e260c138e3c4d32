// The certified OpenID Connect server `oidc-provider`: `provider.js ISSUER CERTIFICATE KEY`, on the port of the
// issuer, on every loopback address that asks for it.
//
// Its own development pages sign anybody in who types a name and a password.

import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import Provider from "oidc-provider";

const [issuer, certificate, key] = process.argv.slice(2);

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "silentry",
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: ["http://localhost"],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    },
  ],
  // Who the user is stands in the id token, as other servers have it.
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"] },
  features: { deviceFlow: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, email: `${id}@contoso.test` }),
  }),
  pkce: { required: () => true },
  cookies: { keys: ["of no secret"] },
});

provider.on("server_error", (_, error) => console.error(error));
const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
createServer(tls, provider.callback()).listen(Number(new URL(issuer).port || 443));
