// One sign-in with MSAL Node: `client.js password|devicecode|web USER`, the password in INTEROP_PASSWORD.
// For another device and in the browser, `silentry-lab sign-in` is the user.
//
// Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the
// error as MSAL reports it.

const { spawn } = require("child_process");
const { AuthError, PublicClientApplication } = require("@azure/msal-node");
const { version } = require("@azure/msal-node/package.json");

const scopes = [process.env.SILENTRY_SCOPE];
const otherApi = ["https://graph.microsoft.com/User.Read"];

function atBrowser(username, ...words) {
  spawn("silentry-lab", ["sign-in", "--user", username, ...words], { stdio: ["ignore", "ignore", "inherit"] });
}

function firstToken(app, flow, username) {
  if (flow === "devicecode") {
    const deviceCodeCallback = ({ userCode }) => atBrowser(username, "--code", userCode);
    return app.acquireTokenByDeviceCode({ scopes, deviceCodeCallback });
  }
  if (flow === "web") {
    const openBrowser = async (url) => atBrowser(username, url);
    return app.acquireTokenInteractive({ scopes, openBrowser });
  }
  return app.acquireTokenByUsernamePassword({ scopes, username, password: process.env.INTEROP_PASSWORD });
}

async function signIn(app, flow, username) {
  const first = await firstToken(app, flow, username);
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
signIn(app, process.argv[2], process.argv[3])
  .catch(describe)
  .then((answer) => console.log(JSON.stringify({ version: `${version}, Node ${process.version}`, ...answer })));
