// Slack's published clients, unmodified, against the sandbox; and its events and commands against Slack's published
// receiver. Start the sandbox, then: SANDBOX_URL=http://127.0.0.1:4567/slack node --test

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import bolt from "@slack/bolt";
import { InstallProvider } from "@slack/oauth";
import { ErrorCode, WebClient } from "@slack/web-api";

const url = process.env.SANDBOX_URL;
assert.ok(url, "SANDBOX_URL names the sandbox, for example http://127.0.0.1:4567/slack");

const slackApiUrl = `${url}/api/`;
const scopes = [
  "app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands",
  "groups:read", "reactions:read", "reactions:write", "users:read",
];
const [acme, done, general] = ["T0ACME0001", "C0ACMEDONE", "C0ACMEGEN1"];
const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => "error", setName() {} };
const options = { slackApiUrl, logger: quiet };

const control = async (path, body, method = body ? "POST" : "GET") => {
  const answer = await fetch(`${url}/_sandbox${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

const say = (text, channel = done, user = "ada") => control("/say", { user, channel, text });
const shown = (channel) => control(`/channels/${channel}`);

let app, installation, client;

before(async () => {
  await control("/reset", {});
  await control("/limits", { message_burst: 1000 });
  [app] = await control("/apps");
  installation = await control("/installations", { user: "ada", scopes: scopes.join(",") });
  client = new WebClient(installation.bot_token, options);
});

after(() => control("/reset", {}));

// --- @slack/oauth ---------------------------------------------------------------------------------------------

/** Serves the provider's two addresses, and goes through them as a browser would. */
async function install(decision) {
  let outcome;
  const store = new Map();
  const provider = new InstallProvider({
    clientId: app.client_id,
    clientSecret: app.client_secret,
    stateSecret: "not a secret",
    authorizationUrl: `${url}/oauth/v2/authorize`,
    clientOptions: options,
    directInstall: true,
    logger: quiet,
    installationStore: {
      storeInstallation: async (it) => { store.set(it.team.id, it); },
      fetchInstallation: async ({ teamId }) => store.get(teamId),
    },
  });
  const server = createServer(async (request, response) => {
    if (request.url.startsWith("/install")) {
      await provider.handleInstallPath(request, response, {}, { scopes, redirectUri: `${at}/callback` });
      return;
    }
    await provider.handleCallback(request, response, {
      success: (it, _options, _request, response) => { outcome = it; response.end("ok"); },
      failure: (error, _options, _request, response) => { outcome = error; response.end("no"); },
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const at = `http://127.0.0.1:${server.address().port}`;
  try {
    await control(`/apps/${app.id}`, { redirect_urls: [`${at}/callback`] });
    const start = await fetch(`${at}/install`, { redirect: "manual" });
    const cookie = start.headers.get("set-cookie").split(";")[0];
    const { redirect } = await control("/authorize", { user: "ada", url: start.headers.get("location"), decision });
    await fetch(redirect, { headers: { cookie }, redirect: "manual" });
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return { outcome, provider };
}

test("@slack/oauth installs the app", async () => {
  const { outcome, provider } = await install("allow");
  assert.equal(outcome.team?.id, acme, outcome.stack);
  assert.equal(outcome.bot.userId, installation.bot_user_id);
  assert.match(outcome.bot.token, /^xoxb-/);
  assert.match(outcome.bot.id, /^B/);
  assert.deepEqual(new Set(outcome.bot.scopes), new Set(scopes));
  assert.equal(outcome.isEnterpriseInstall, false);
  const authorized = await provider.authorize({ teamId: acme });
  assert.equal(authorized.botToken, outcome.bot.token);
});

test("@slack/oauth is told when the person says no", async () => {
  const { outcome } = await install("cancel");
  // Its words for `error=access_denied`.
  assert.match(String(outcome.message ?? outcome), /cancelled/);
});

test("@slack/oauth refreshes tokens that rotate", async () => {
  await control(`/apps/${app.id}`, { token_rotation: true });
  try {
    const { outcome, provider } = await install("allow");
    assert.match(outcome.bot.token, /^xoxe\.xoxb-/, outcome.stack);
    assert.match(outcome.bot.refreshToken, /^xoxe-1-/);
    const first = outcome.bot.token;
    // So late that the provider wants new ones. What it stored is the very object it gave us.
    outcome.bot.expiresAt = Math.floor(Date.now() / 1000) + 60;
    const authorized = await provider.authorize({ teamId: acme });
    assert.notEqual(authorized.botToken, first);
    const me = await new WebClient(authorized.botToken, options).auth.test();
    assert.equal(me.team_id, acme);
  } finally {
    await control(`/apps/${app.id}`, { token_rotation: false });
  }
});

// --- @slack/web-api ---------------------------------------------------------------------------------------------

test("WebClient knows who it is", async () => {
  const me = await client.auth.test();
  assert.deepEqual([me.team_id, me.user_id, me.bot_id], [acme, installation.bot_user_id, installation.bot_id]);
  assert.deepEqual(new Set(me.response_metadata.scopes), new Set(scopes), "from the headers");
});

test("WebClient pages through channels", async () => {
  await control("/channels", { team: acme, prefix: `page-${Date.now()}`, count: 12 });
  const all = (await client.conversations.list({ limit: 1000 })).channels.map((it) => it.id);
  const paged = [];
  for await (const page of client.paginate("conversations.list", { limit: 5 })) {
    paged.push(...page.channels.map((it) => it.id));
  }
  assert.deepEqual(paged, all);
  assert.ok(all.length >= 16);
});

test("WebClient joins, posts blocks and metadata, updates, replies, reads back and deletes", async () => {
  await client.conversations.join({ channel: done });
  const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*Shipped* the search page" } }];
  const metadata = { event_type: "entry", event_payload: { id: "e1" } };
  const posted = await client.chat.postMessage({ channel: "#done", text: "Shipped the search page", blocks, metadata });
  assert.equal(posted.channel, done);
  assert.deepEqual(posted.message.blocks, blocks);
  await client.chat.update({ channel: done, ts: posted.ts, text: "Shipped it", blocks: [] });
  await client.chat.postMessage({ channel: done, text: "Well done", thread_ts: posted.ts });
  const history = await client.conversations.history({ channel: done, limit: 1, include_all_metadata: true });
  assert.deepEqual(history.messages[0].metadata, metadata);
  assert.equal(history.messages[0].text, "Shipped it");
  const { messages } = await client.conversations.replies({ channel: done, ts: posted.ts });
  assert.deepEqual(messages.map((it) => it.text), ["Shipped it", "Well done"]);
  await client.reactions.add({ channel: done, timestamp: posted.ts, name: "tada" });
  const { message } = await client.reactions.get({ channel: done, timestamp: posted.ts });
  assert.equal(message.reactions[0].name, "tada");
  await client.chat.delete({ channel: done, ts: messages[1].ts });
  assert.equal((await client.users.info({ user: "U0BOB00002" })).user.real_name, "Bob Builds");
});

test("WebClient reads refusals", async () => {
  const refused = (data) => (error) => error.code === ErrorCode.PlatformError && error.data.error === data;
  await assert.rejects(client.chat.postMessage({ channel: "C0NOTHING1", text: "x" }), refused("channel_not_found"));
  await assert.rejects(client.chat.postMessage({ channel: "C0ACMEOLD1", text: "x" }), refused("is_archived"));
  await assert.rejects(client.conversations.join({ channel: "C0ACMEOLD1" }), refused("is_archived"));
  await assert.rejects(client.users.lookupByEmail({ email: "ada@example.com" }), refused("missing_scope"));
  await assert.rejects(new WebClient("xoxb-nobody", options).auth.test(), refused("invalid_auth"));
});

test("WebClient waits as long as Retry-After says, and goes on", async () => {
  await control("/rules", { path: "/api/chat.postMessage", effect: "rate_limited", seconds: 1 });
  const waits = [];
  const patient = new WebClient(installation.bot_token, options);
  patient.on("rate_limited", (seconds) => waits.push(seconds));
  const posted = await patient.chat.postMessage({ channel: done, text: "later" });
  assert.deepEqual([posted.ok, waits], [true, [1]]);
  await control("/rules", { path: "/api/chat.postMessage", effect: "rate_limited", seconds: 3 });
  const hasty = new WebClient(installation.bot_token, { ...options, rejectRateLimitedCalls: true });
  await assert.rejects(hasty.chat.postMessage({ channel: done, text: "never" }), (error) =>
    error.code === ErrorCode.RateLimitedError && error.retryAfter === 3);
});

// --- @slack/bolt: Slack's receiver ------------------------------------------------------------------------------

/** Until `look` finds something. */
async function eventually(what, look) {
  for (let tries = 0; tries < 250; tries++) {
    const found = await look();
    if (found) return found;
    await new Promise((next) => setTimeout(next, 20));
  }
  assert.fail(`waited in vain for ${what}`);
}

/** A bolt app on a port of its own, which the sandbox's app points to for as long as `work` takes. */
async function listening(prepare, work, signingSecret = app.signing_secret) {
  const receiver = new bolt.HTTPReceiver({ signingSecret, logger: quiet, port: 0 });
  const receiving = new bolt.App({
    receiver, token: installation.bot_token, clientOptions: options, logger: quiet, ignoreSelf: false,
  });
  prepare(receiving);
  const server = await receiving.start(0);
  await control(`/apps/${app.id}`, { request_url: `http://127.0.0.1:${server.address().port}/slack/events` });
  try {
    await work();
  } finally {
    await control(`/apps/${app.id}`, { request_url: null });
    await receiving.stop();
  }
}

test("bolt verifies the request URL, and takes the probe", async () => {
  await listening(() => {}, async () => {
    assert.deepEqual(await control(`/apps/${app.id}/verify`, {}), { passed: true });
    assert.deepEqual(await control(`/apps/${app.id}/ssl_check`, {}), { passed: true });
  });
  await listening(() => {}, async () => {
    assert.deepEqual(await control(`/apps/${app.id}/verify`, {}), { passed: false }, "with another secret");
  }, "another secret");
});

test("bolt takes messages, mentions, changes and reactions", async () => {
  const heard = [];
  const note = (kind) => async ({ event, body }) => { heard.push({ kind, event, body }); };
  const prepare = (receiving) => {
    receiving.message(note("message"));
    receiving.event("app_mention", note("app_mention"));
    receiving.event("reaction_added", note("reaction_added"));
    receiving.event("channel_rename", note("channel_rename"));
  };
  await listening(prepare, async () => {
    const { ts } = await say("@patchbay shipped the search page");
    await client.reactions.add({ channel: done, timestamp: ts, name: "eyes" });
    const own = await client.chat.postMessage({ channel: done, text: "Heard you" });
    await client.chat.update({ channel: done, ts: own.ts, text: "Heard you well" });
    await client.chat.delete({ channel: done, ts: own.ts });
    await eventually("six events", () => heard.length >= 6);
    assert.deepEqual(
      heard.map((it) => [it.kind, it.event.subtype]),
      [
        ["message", undefined], ["app_mention", undefined], ["reaction_added", undefined], ["message", undefined],
        ["message", "message_changed"], ["message", "message_deleted"],
      ],
    );
    assert.equal(heard[0].event.user, "U0ADA00001");
    assert.equal(heard[1].event.text, `<@${installation.bot_user_id}> shipped the search page`);
    assert.equal(heard[3].event.bot_id, installation.bot_id);
    assert.equal(heard[0].body.team_id, acme);
  });
});

test("bolt answers a command at once, and later by its response_url", async () => {
  const prepare = (receiving) => receiving.command("/done", async ({ ack, command, respond }) => {
    await ack(`Noted: ${command.text}`);
    await respond({ text: "And for all", response_type: "in_channel" });
  });
  await listening(prepare, async () => {
    await say("/done shipped the search page", general);
    const last = await eventually("the answer for all", async () => {
      const { messages } = await shown(general);
      return messages.find((it) => it.text === "And for all");
    });
    assert.equal(last.bot_id, installation.bot_id);
    const { whispers } = await shown(general);
    assert.equal(whispers.at(-1).text, "Noted: shipped the search page");
    assert.equal(whispers.at(-1).to, "U0ADA00001");
  });
});

test("bolt refuses what is signed badly or too old, and the sandbox comes back", async () => {
  const heard = [];
  const prepare = (receiving) => receiving.message(async ({ event }) => { heard.push(event.text); });
  await listening(prepare, async () => {
    for (const effect of ["wrong_signature", "no_signature", "stale"]) {
      await control("/deliveries", { effect });
      await say(`with ${effect}`);
      // The first retry comes at once, and is signed well.
      await eventually(effect, () => heard.includes(`with ${effect}`));
      const { sent } = await control("/deliveries");
      assert.deepEqual(sent.slice(0, 2).map((it) => [it.retry, it.status === 200]), [[1, true], [0, false]], effect);
    }
  });
});
