// Times tokens from a token cache with MSAL Node: `silent.js FILE`.
//
// Prints one line of JSON: how long it took to read the cache, to list its accounts, and to get the token of the last
// one.

const fs = require("fs");
const { PublicClientApplication } = require("@azure/msal-node");

const host = "login.microsoftonline.com";
const authority = `https://${host}/99999999-0000-0000-0000-000000000000`;
const scopes = ["https://graph.microsoft.com/User.Read"];

// What MSAL would ask the network when it begins.
const authorityMetadata = JSON.stringify({
  authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
  token_endpoint: `${authority}/oauth2/v2.0/token`,
  issuer: `${authority}/v2.0`,
});
const cloudDiscoveryMetadata = JSON.stringify({
  tenant_discovery_endpoint: `${authority}/v2.0/.well-known/openid-configuration`,
  metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
});

async function timed(work) {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}

async function main(file) {
  const clientId = "11111111-2222-3333-4444-555555555555";
  const app = new PublicClientApplication({
    auth: { clientId, authority, authorityMetadata, cloudDiscoveryMetadata },
  });
  const cache = app.getTokenCache();
  const [load] = await timed(() => cache.deserialize(fs.readFileSync(file, "utf8")));
  const [list, accounts] = await timed(() => cache.getAllAccounts());
  const account = accounts[accounts.length - 1];
  const times = [];
  // Once among 10,000 accounts: it takes the better part of a minute.
  for (let left = Math.max(1, Math.floor(2000 / accounts.length)); left > 0; left--) {
    const [time, token] = await timed(() => app.acquireTokenSilent({ scopes, account }));
    if (!token.fromCache) throw new Error("not from the cache");
    times.push(time);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  console.log(JSON.stringify({ load_ms: load, accounts_ms: list, silent_us: median * 1e3 }));
}

main(process.argv[2]);
