// One sign-in with MSAL Node: `client.js USER`, the password in INTEROP_PASSWORD.
//
// Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the
// error as MSAL reports it.

const { AuthError, PublicClientApplication } = require("@azure/msal-node");
const { version } = require("@azure/msal-node/package.json");

const scopes = [process.env.SILENTRY_SCOPE];
const otherApi = ["https://graph.microsoft.com/User.Read"];

async function signIn(app, username) {
  const password = process.env.INTEROP_PASSWORD;
  const first = await app.acquireTokenByUsernamePassword({ scopes, username, password });
  const account = first.account;
  const cached = await app.acquireTokenSilent({ scopes, account });
  const fresh = await app.acquireTokenSilent({ scopes, account, forceRefresh: true });
  const other = await app.acquireTokenSilent({ scopes: otherApi, account });
  return {
    user: account.username,
    cached: cached.fromCache && cached.accessToken === first.accessToken,
    refreshed: !fresh.fromCache && fresh.accessToken !== first.accessToken,
    other_api: !other.fromCache && other.accessToken !== fresh.accessToken,
  };
}

function describe(error) {
  if (!(error instanceof AuthError)) throw error;
  const { errorCode, errorMessage, subError, claims } = error;
  return { error: errorCode, description: errorMessage, suberror: subError, claims: Boolean(claims) };
}

const authority = `https://login.microsoftonline.com/${process.env.SILENTRY_TENANT}`;
const app = new PublicClientApplication({ auth: { clientId: process.env.SILENTRY_CLIENT_ID, authority } });
signIn(app, process.argv[2])
  .catch(describe)
  .then((answer) => console.log(JSON.stringify({ version: `${version}, Node ${process.version}`, ...answer })));
