// Uses a token cache in a file that other programs use, too: `cache.js FILE sign-in|silent|refresh USER`.
//
// Prints one line of JSON: whose token it got, a hash of it, whether it came from the cache, and how many accounts
// the cache has. The password is in INTEROP_PASSWORD.

const crypto = require("crypto");
const fs = require("fs");
const { PublicClientApplication } = require("@azure/msal-node");
const { version } = require("@azure/msal-node/package.json");

const [file, action, username] = process.argv.slice(2);
const scopes = [process.env.SILENTRY_SCOPE];

const cachePlugin = {
  async beforeCacheAccess(context) {
    if (fs.existsSync(file)) context.tokenCache.deserialize(fs.readFileSync(file, "utf8"));
  },
  async afterCacheAccess(context) {
    if (context.cacheHasChanged) fs.writeFileSync(file, context.tokenCache.serialize());
  },
};

async function main() {
  const authority = `https://login.microsoftonline.com/${process.env.SILENTRY_TENANT}`;
  const auth = { clientId: process.env.SILENTRY_CLIENT_ID, authority };
  const app = new PublicClientApplication({ auth, cache: { cachePlugin } });
  const cache = app.getTokenCache();
  let token;
  if (action === "sign-in") {
    const password = process.env.INTEROP_PASSWORD;
    token = await app.acquireTokenByUsernamePassword({ scopes, username, password });
  } else {
    const accounts = await cache.getAllAccounts();
    const account = accounts.find((known) => known.username === username);
    token = await app.acquireTokenSilent({ scopes, account, forceRefresh: action === "refresh" });
  }
  const accounts = await cache.getAllAccounts();
  console.log(
    JSON.stringify({
      version: `${version}, Node ${process.version}`,
      user: token.account.username,
      token: crypto.createHash("sha256").update(token.accessToken).digest("hex"),
      cached: token.fromCache,
      accounts: accounts.length,
    }),
  );
}

main();
