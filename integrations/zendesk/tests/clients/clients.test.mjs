// A published client of Zendesk's API, unmodified, against the sandbox.
// Start the sandbox, then: SANDBOX_URL=http://127.0.0.1:4567/zendesk node --test

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { writeFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import zendesk from "node-zendesk";

const url = process.env.SANDBOX_URL;
assert.ok(url, "SANDBOX_URL names the sandbox, for example http://127.0.0.1:4567/zendesk");

const endpointUri = `${url}/acme/api/v2`;

const control = async (path, body, method = body ? "POST" : "GET") => {
  const answer = await fetch(`${url}/_sandbox${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

/** The status with which a call is refused. */
const refusal = (call) => assert.rejects(call).then(() => call.catch((error) => String(error.statusCode ?? error.message)));

let token, client;

before(async () => {
  await control("/reset", {});
  await control("/limits", { account: 100_000 });
  await control("/strict", { export_lag_ms: 0 });
  token = (await control("/tokens", { user: "ada", scopes: "read write" })).access_token;
  client = zendesk.createClient({ endpointUri, token, oauth: true });
});

after(() => control("/reset", {}));

const create = async (more = {}) => {
  const { result } = await client.tickets.create({ ticket: { subject: "From node", comment: { body: "Hello" }, ...more } });
  return result;
};

test("OAuth, API tokens, and neither", async () => {
  const { result: me } = await client.users.me();
  assert.equal(me.email, "ada@example.com");
  const basic = zendesk.createClient({ endpointUri, username: "bob@example.com", token: "acme-api-token" });
  assert.equal((await basic.users.me()).result.name, "Bob Kahn");
  const password = zendesk.createClient({ endpointUri, username: "bob@example.com", password: "secret" });
  assert.match(await refusal(password.tickets.list()), /401|Not Authorized/);
  const customer = (await control("/tokens", { user: "carol" })).access_token;
  const refused = zendesk.createClient({ endpointUri, token: customer, oauth: true });
  assert.match(await refusal(refused.tickets.list()), /403|Forbidden/);
});

test("a ticket's life", async () => {
  const made = await create({ external_id: "gh:1:13", tags: ["bug"] });
  assert.equal(made.status, "new");
  const { result: updated } = await client.tickets.update(made.id, {
    ticket: { status: "pending", comment: { body: "An internal word", public: false } },
  });
  assert.equal(updated.status, "pending");
  const comments = await client.tickets.getComments(made.id);
  assert.deepEqual(comments.map((it) => [it.body, it.public]), [["Hello", true], ["An internal word", false]]);
  const audits = await client.tickets.exportAudit(made.id);
  assert.equal(audits.length, 2);
  const found = await client.tickets.listWithFilter("external_id", "gh:1:13");
  assert.ok(found.some((ticket) => ticket.id === made.id));
  await client.tickets.addTags(made.id, { tags: ["more"] });
  assert.deepEqual((await client.tickets.show(made.id)).result.tags, ["bug", "more"]);
  assert.equal((await client.tickets.showMany([made.id, 1])).result.length, 2);
  await client.tickets.delete(made.id);
  assert.match(await refusal(client.tickets.show(made.id)), /404|not found/i);
});

test("what is refused", async () => {
  assert.match(await refusal(client.tickets.create({ ticket: { subject: "no words" } })), /422|Unprocessable/);
  assert.match(await refusal(client.tickets.update(1, { ticket: { status: "done" } })), /422|Unprocessable/);
  const stale = { safe_update: true, updated_stamp: "2020-01-01T00:00:00Z", subject: "x" };
  assert.match(await refusal(client.tickets.update(1, { ticket: stale })), /409|Conflict/);
});

test("lists lead through all pages", async () => {
  for (let number = 0; number < 103; number += 1) {
    await control("/tickets", { user: "carol", subject: `Nr ${number}`, body: "x" });
  }
  const { count } = (await (await fetch(`${endpointUri}/tickets/count`, { headers: { authorization: `Bearer ${token}` } })).json());
  const all = await client.tickets.list();
  assert.equal(all.length, count.value);
  assert.equal(new Set(all.map((ticket) => ticket.id)).size, count.value);
});

test("side loads are joined", async () => {
  const loading = zendesk.createClient({ endpointUri, token, oauth: true });
  loading.tickets.sideLoad = ["users", "groups", "organizations"];
  const [ticket] = await loading.tickets.list();
  assert.equal(ticket.requester.name, "Carol Customer");
});

test("search is behind, and then is not", async () => {
  const { id } = await create({ subject: "Findable zebra" });
  const search = async () => (await client.search.queryAll("type:ticket zebra")).map((it) => it.id);
  assert.deepEqual(await search(), []);
  await control("/index", {});
  assert.deepEqual(await search(), [id]);
  const exported = await client.search.exportResults("zebra", "ticket");
  assert.deepEqual(exported.map((it) => it.id), [id]);
});

test("people", async () => {
  const { result: made } = await client.users.createOrUpdate({ user: { name: "Gil Hub", email: "gil@hub.example" } });
  assert.equal(made.role, "end-user");
  const [found] = await client.users.search({ query: "gil@hub.example" });
  assert.equal(found.id, made.id);
  const { result: renamed } = await client.users.update(made.id, { user: { name: "Gil Hubs" } });
  assert.equal(renamed.name, "Gil Hubs");
  assert.ok((await client.users.list()).length >= 4);
});

test("exports since a time", async () => {
  const made = await create();
  const changed = await client.tickets.incremental(1);
  assert.ok(changed.some((ticket) => ticket.id === made.id));
});

test("files", async () => {
  const path = join(tmpdir(), `zendesk-sandbox-${process.pid}.txt`);
  await writeFile(path, "a line");
  const uploaded = await client.attachments.upload(path, { filename: "log.txt" });
  await rm(path);
  assert.equal((uploaded.upload ?? uploaded).attachment.file_name, "log.txt");
});

/** A server that remembers what it was sent. */
async function receiver() {
  const arrivals = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    arrivals.push({ headers: request.headers, body });
    response.end("thanks");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const waitFor = async (count) => {
    for (let tries = 0; arrivals.length < count; tries += 1) {
      assert.ok(tries < 200, `waited in vain for ${count} deliveries; there are ${arrivals.length}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return arrivals;
  };
  return { address: `http://127.0.0.1:${server.address().port}/hook`, waitFor, close: () => server.close() };
}

/** As Zendesk's page on verifying says, in its own language. */
const isSigned = ({ headers, body }, secret) =>
  createHmac("sha256", secret).update(headers["x-zendesk-webhook-signature-timestamp"] + body).digest("base64")
    === headers["x-zendesk-webhook-signature"];

test("a webhook with a trigger, its secret and its log", async () => {
  const { address, waitFor, close } = await receiver();
  const hook = { name: "Node", endpoint: address, http_method: "POST", request_format: "json", status: "active" };
  const { result: made } = await client.webhooks.create({ webhook: { ...hook, subscriptions: ["conditional_ticket_events"] } });
  const { result } = await client.webhooks.getSigningSecret(made.id);
  const { secret } = result.signing_secret ?? result;
  const { result: trigger } = await client.triggers.create({ trigger: {
    title: "Tell node",
    conditions: { all: [{ field: "comment_is_public", operator: "is", value: "true" }], any: [] },
    actions: [{ field: "notification_webhook", value: [made.id, JSON.stringify({ ticket: "{{ticket.id}}" })] }],
  } });
  await control("/say", { user: "bob", ticket: 1, body: "Hello, node" });
  const [arrival] = await waitFor(1);
  assert.ok(isSigned(arrival, secret));
  assert.deepEqual(JSON.parse(arrival.body), { ticket: "1" });
  const { result: log } = await client.webhooks.listInvocations(made.id);
  const [invocation] = log.invocations ?? log;
  assert.equal(invocation.id, arrival.headers["x-zendesk-webhook-invocation-id"]);
  const attempts = (await client.webhooks.listInvocationAttempts(made.id, invocation.id)).result;
  assert.equal((attempts.attempts ?? attempts).length, 1);
  assert.ok((await client.webhooks.list()).some((it) => it.id === made.id));
  assert.ok((await client.triggers.list()).some((it) => it.id === trigger.id));
  const tested = await client.webhooks.test({ request: { endpoint: address, http_method: "POST", request_format: "json", payload: "{}" } });
  assert.equal((tested.result.response ?? tested.result).payload, "thanks");
  await client.triggers.delete(trigger.id);
  await client.webhooks.delete(made.id);
  assert.match(await refusal(client.webhooks.show(made.id)), /404|not found/i);
  close();
});

test("a webhook with events", async () => {
  const { address, waitFor, close } = await receiver();
  const hook = { name: "Events", endpoint: address, http_method: "POST", request_format: "json", status: "active" };
  const { result: made } = await client.webhooks.create({
    webhook: { ...hook, subscriptions: ["zen:event-type:ticket.created", "zen:event-type:ticket.status_changed"] },
  });
  const { id } = await create();
  const [arrival] = await waitFor(1);
  const event = JSON.parse(arrival.body);
  assert.equal(event.type, "zen:event-type:ticket.created");
  assert.equal(event.detail.id, String(id));
  await client.webhooks.delete(made.id);
  close();
});

test("limits are told", async () => {
  await control("/limits", { account: 1 });
  await client.users.me();
  const { response } = await client.users.me().catch((error) => ({ response: error }));
  assert.ok(response);
  const answer = await fetch(`${endpointUri}/users/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 429);
  assert.ok(Number(answer.headers.get("retry-after")) > 0);
  await control("/limits", { account: 100_000 });
});
