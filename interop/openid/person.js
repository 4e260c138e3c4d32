// A person at a browser without scripts: `person.js URL`. Cookies are kept, redirects followed, forms filled in.
//
// INTEROP_USER signs in, types INTEROP_CODE where the code of a device is asked for, and agrees to everything; with
// INTEROP_CANCELS set, presses the first "Cancel" instead.

const { INTEROP_USER: user, INTEROP_CODE: code, INTEROP_CANCELS: cancels } = process.env;
const typed = { login: user, password: "any password", user_code: code };
const cookies = new Map();

async function visit(url, form) {
  for (let hops = 0; hops < 20; hops++) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
    const reply = await fetch(url, { method: form ? "POST" : "GET", body: form, headers, redirect: "manual" });
    for (const cookie of reply.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    const location = reply.headers.get("location");
    if (!location) return { url, text: await reply.text() };
    [url, form] = [new URL(location, url).href, undefined];
  }
  throw new Error("there is no end to the redirects");
}

function attribute(tag, name) {
  const found = tag.match(new RegExp(`\\b${name}="([^"]*)"`));
  return found && found[1].replaceAll("&amp;", "&").replaceAll("&#x2F;", "/").replaceAll("&#39;", "'");
}

function fillIn({ url, text }) {
  const [form] = text.match(/<form[\s\S]*?<\/form>/) ?? [];
  if (!form) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input[\s\S]*?>/g)) {
    const name = attribute(input, "name");
    if (name) fields.append(name, typed[name] ?? attribute(input, "value") ?? "");
  }
  return [new URL(attribute(form, "action"), url).href, fields];
}

let page = await visit(process.argv[2]);
for (let pages = 0; pages < 20; pages++) {
  const cancel = cancels && page.text.match(/<a href="([^"]*)">\[ Cancel \]/);
  const next = cancel ? [new URL(attribute(cancel[0], "href"), page.url).href] : fillIn(page);
  if (!next) break;
  page = await visit(...next);
}
console.log(`ended at ${new URL(page.url).origin}: ${page.text.match(/<h1>(.*?)<\/h1>/)?.[1]}`);
