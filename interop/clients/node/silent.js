// Times tokens from a token cache with MSAL Node: `silent.js FILE`.
//
// Prints one line of JSON: how long it took to read the cache, and to get the token of its last account.

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
  const text = fs.readFileSync(file, "utf8");
  const [load] = await timed(() => cache.deserialize(text));
  // Listing 10,000 accounts takes MSAL Node minutes, as it looks at all of them for each.
  const rows = Object.values(JSON.parse(text).Account);
  const last = rows[rows.length - 1];
  const account = {
    homeAccountId: last.home_account_id,
    localAccountId: last.local_account_id,
    environment: last.environment,
    tenantId: last.realm,
    username: last.username,
  };
  const times = [];
  for (let left = Math.max(5, Math.floor(2000 / rows.length)); left > 0; left--) {
    const [time, token] = await timed(() => app.acquireTokenSilent({ scopes, account }));
    if (!token.fromCache) throw new Error("not from the cache");
    times.push(time);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  console.log(JSON.stringify({ load_ms: load, silent_us: median * 1e3 }));
}

main(process.argv[2]);
