// GitHub's published clients, unmodified, against the sandbox; and its webhooks against GitHub's published
// receiver and schemas. Start the sandbox, then: SANDBOX_URL=http://127.0.0.1:4567/github node --test

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { Octokit } from "@octokit/core";
import { OAuthApp } from "@octokit/oauth-app";
import * as oauth from "@octokit/oauth-methods";
import { paginateRest } from "@octokit/plugin-paginate-rest";
import { restEndpointMethods } from "@octokit/plugin-rest-endpoint-methods";
import { retry } from "@octokit/plugin-retry";
import { Webhooks, createNodeMiddleware } from "@octokit/webhooks";
import schema from "@octokit/webhooks-schemas/schema.json" with { type: "json" };
import Ajv from "ajv";
import addFormats from "ajv-formats";

const url = process.env.SANDBOX_URL;
assert.ok(url, "SANDBOX_URL names the sandbox, for example http://127.0.0.1:4567/github");

const Client = Octokit.plugin(paginateRest, restEndpointMethods);
const baseUrl = `${url}/api/v3`;
const secret = "It's a secret to everybody 🤫";

const control = async (path, body, method = body ? "POST" : "GET") => {
  const answer = await fetch(`${url}/_sandbox${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

/** No faults, and room for more changes a minute than GitHub allows. */
const reset = async () => {
  await control("/reset", {});
  await control("/limits", { content_per_minute: 10_000, content_per_hour: 10_000, points_per_minute: 100_000 });
};

let overview, ada, bob, eve, receiver, received;

before(async () => {
  await reset();
  overview = await control("/");
  const token = (login) => overview.users.find((user) => user.login === login).token;
  const client = (login) => new Client({ baseUrl, auth: token(login), log: quiet });
  [ada, bob, eve] = ["ada-codes", "bob-builds", "eve-umbra"].map(client);
  receiver = await startReceiver();
});

after(async () => {
  receiver.close();
  await control("/reset", {});
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

// --- the published receiver, and what it received -------------------------------------------------------------

const ajv = addFormats(new Ajv({ strict: false, allErrors: true }).addSchema(schema, "github"));

/** The problems GitHub's own schema finds in a payload. */
const problems = (event, payload) => {
  const definition = payload.action ? `${event}$${payload.action}` : `${event}$event`;
  const validate = ajv.getSchema(`github#/definitions/${definition}`);
  if (!validate) return [`no schema ${definition}`];
  return validate(payload) ? [] : validate.errors.map((it) => `${definition} ${it.instancePath} ${it.message}`);
};

async function startReceiver() {
  received = [];
  const webhooks = new Webhooks({ secret, log: quiet });
  webhooks.onAny(({ id, name, payload }) => received.push({ id, name, payload }));
  const middleware = createNodeMiddleware(webhooks, { path: "/hook", log: quiet });
  const server = createServer(async (request, response) => {
    if (await middleware(request, response)) return;
    response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.url = `http://127.0.0.1:${server.address().port}/hook`;
  return server;
}

const until = async (what, done) => {
  for (const start = Date.now(); Date.now() - start < 5000; ) {
    const found = await done();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`waited too long for ${what}; received ${received.map(label)}`);
};
const label = ({ name, payload }) => (payload.action ? `${name}.${payload.action}` : name);
const arrival = (name) => until(name, () => received.find((event) => label(event) === name));

// --- OAuth ----------------------------------------------------------------------------------------------------

const consent = async (user, authorizeUrl) => {
  const { redirect } = await control("/authorize", { user, url: authorizeUrl });
  return new URL(redirect).searchParams;
};

test("oauth-methods: code for token, check, reset, delete", async () => {
  const [app] = overview.apps;
  const { request } = new Octokit({ baseUrl, log: quiet });
  const shared = { clientType: "oauth-app", clientId: app.client_id, clientSecret: app.client_secret, request };

  const asked = oauth.getWebFlowAuthorizationUrl({ ...shared, state: "abc", scopes: ["repo", "gist"] });
  assert.ok(asked.url.startsWith(`${url}/login/oauth/authorize?`), asked.url);
  const answer = await consent("bob-builds", asked.url);
  assert.equal(answer.get("state"), "abc");

  const { authentication } = await oauth.exchangeWebFlowCode({ ...shared, code: answer.get("code") });
  assert.match(authentication.token, /^gho_\w{36}$/);

  await assert.rejects(
    oauth.exchangeWebFlowCode({ ...shared, code: answer.get("code") }),
    /bad_verification_code|incorrect or expired/,
  );

  const checked = await oauth.checkToken({ ...shared, token: authentication.token });
  assert.equal(checked.data.user.login, "bob-builds");
  assert.deepEqual(checked.data.scopes, ["gist", "repo"]);

  const reset = await oauth.resetToken({ ...shared, token: authentication.token });
  const fresh = reset.authentication.token;
  assert.notEqual(fresh, authentication.token);
  assert.equal((await oauth.deleteToken({ ...shared, token: fresh })).status, 204);
  await assert.rejects(new Client({ baseUrl, auth: fresh, log: quiet }).rest.users.getAuthenticated(), { status: 401 });
});

test("oauth-app: the whole flow, and taking the authorization back", async () => {
  const [registered] = overview.apps;
  const app = new OAuthApp({
    clientType: "oauth-app",
    clientId: registered.client_id,
    clientSecret: registered.client_secret,
    baseUrl: url,
    Octokit: Octokit.defaults({ baseUrl, log: quiet }),
    log: quiet,
  });
  const { url: asked } = app.getWebFlowAuthorizationUrl({ state: "xyz", scopes: ["public_repo"] });
  const answer = await consent("grace-outside", asked);
  const { authentication } = await app.createToken({ code: answer.get("code") });
  const grace = new Client({ baseUrl, auth: authentication.token, log: quiet });
  assert.equal((await grace.rest.users.getAuthenticated()).data.login, "grace-outside");
  await app.deleteAuthorization({ token: authentication.token });
  await assert.rejects(grace.rest.users.getAuthenticated(), { status: 401 });
});

// --- REST -----------------------------------------------------------------------------------------------------

test("paginate-rest walks every page of repositories", async () => {
  const repositories = await ada.paginate(ada.rest.repos.listForAuthenticatedUser, { per_page: 100 });
  const names = repositories.map((repository) => repository.full_name);
  assert.ok(names.length > 120 && new Set(names).size === names.length);
  assert.ok(names.includes("acme/widgets") && names.includes("ada-codes/kata-120"));

  const small = await ada.paginate(ada.rest.repos.listForAuthenticatedUser, { per_page: 17 });
  assert.deepEqual(small.map((it) => it.full_name), names);
});

test("permissions follow the account", async () => {
  const { data: repositories } = await bob.rest.repos.listForAuthenticatedUser({ per_page: 100 });
  const admin = Object.fromEntries(repositories.map((it) => [it.full_name, it.permissions.admin]));
  assert.equal(admin["acme/widgets"], true);
  assert.equal(admin["acme/website"], false);
  await assert.rejects(eve.rest.repos.get({ owner: "acme", repo: "secret-plans" }), { status: 404 });
  await assert.rejects(eve.rest.repos.listWebhooks({ owner: "acme", repo: "widgets" }), { status: 404 });
});

test("issues, comments and labels through the endpoint methods", async () => {
  const place = { owner: "acme", repo: "website" };
  const { data: issue } = await ada.rest.issues.create({ ...place, title: "From octokit", labels: ["bug", "new one"] });
  const at = { ...place, issue_number: issue.number };
  const { data: comment } = await bob.rest.issues.createComment({ ...at, body: "Hello ❤" });
  await bob.rest.issues.updateComment({ ...place, comment_id: comment.id, body: "Hello again" });
  const { data: assigned } = await ada.rest.issues.addAssignees({ ...at, assignees: ["bob-builds", "grace-outside", "nobody"] });
  assert.deepEqual(assigned.assignees.map((it) => it.login), ["bob-builds"]);
  const { data: closed } = await ada.rest.issues.update({ ...at, state: "closed", state_reason: "not_planned" });
  assert.deepEqual([closed.state, closed.state_reason], ["closed", "not_planned"]);
  const { data: found } = await ada.rest.issues.get(at);
  assert.deepEqual(found.labels.map((it) => it.name), ["bug", "new one"]);
  assert.equal(found.comments, 1);
  await ada.rest.issues.lock(at);
  await assert.rejects(eve.rest.issues.createComment({ ...at, body: "me too" }), { status: 403 });
});

test("a renamed repository is followed by the client", async () => {
  const { data: made } = await ada.rest.repos.createForAuthenticatedUser({ name: `old-name-${Date.now()}` });
  const fresh = `new-name-${Date.now()}`;
  await ada.rest.repos.update({ owner: "ada-codes", repo: made.name, name: fresh });
  const { data: found } = await ada.rest.repos.get({ owner: "ada-codes", repo: made.name });
  assert.equal(found.id, made.id);
  assert.equal(found.name, fresh);
  const { data: issue } = await ada.rest.issues.create({ owner: "ada-codes", repo: made.name, title: "By the old name" });
  assert.match(issue.html_url, new RegExp(fresh));
});

test("plugin-retry outlives two failures", async () => {
  await control("/rules", { path: "/api/v3/user", effect: "status", status: 502, times: 2 });
  const Patient = Octokit.plugin(retry);
  const patient = new Patient({ baseUrl, auth: overview.users[0].token, log: quiet, retry: { retryAfterBaseValue: 1 } });
  assert.equal((await patient.request("GET /user")).data.login, "ada-codes");
});

test("limits look like GitHub's to the client", async () => {
  await control("/rules", { path: "/api/v3/user", effect: "primary_limit", seconds: 30, who: "eve-umbra" });
  await assert.rejects(eve.rest.users.getAuthenticated(), (error) => {
    assert.equal(error.status, 403);
    assert.equal(error.response.headers["x-ratelimit-remaining"], "0");
    assert.match(error.message, /API rate limit exceeded/);
    return true;
  });
  await reset();
  await control("/rules", { path: "/api/v3/user", effect: "secondary_limit", retry_after: 7 });
  await assert.rejects(eve.rest.users.getAuthenticated(), (error) => {
    assert.equal(error.response.headers["retry-after"], "7");
    assert.match(error.message, /secondary rate limit/);
    return true;
  });
});

// --- webhooks -------------------------------------------------------------------------------------------------

test("the schemas do find what is wrong", () => {
  assert.notDeepEqual(problems("issues", { action: "opened" }), []);
  assert.notDeepEqual(problems("issues", { action: "no such action" }), []);
});

for (const content_type of ["json", "form"]) {
  test(`every ${content_type} delivery is genuine and fits GitHub's schemas`, async () => {
    received.length = 0;
    // The published receiver reads JSON only, so a form is checked here, with the same verification.
    const inbox = content_type === "json" ? receiver : await startFormReceiver();
    const { data: made } = await ada.rest.repos.createForAuthenticatedUser({ name: `told-${content_type}-${Date.now()}` });
    const place = { owner: "ada-codes", repo: made.name };
    const { data: hook } = await ada.rest.repos.createWebhook({
      ...place, name: "web", active: true, events: ["*"],
      config: { url: inbox.url, content_type, secret, insecure_ssl: "0" },
    });
    assert.equal(hook.config.secret, "********");

    await doEverything(place);
    await ada.rest.repos.deleteWebhook({ ...place, hook_id: hook.id });
    await arrival("meta.deleted");

    const labels = new Set(received.map(label));
    for (const expected of EXPECTED) assert.ok(labels.has(expected), `${expected} is missing from ${[...labels]}`);
    assert.deepEqual(received.flatMap(({ name, payload }) => problems(name, payload)), []);
    if (inbox !== receiver) inbox.close();
  });
}

const EXPECTED = [
  "ping", "push", "create", "delete", "issues.opened", "issues.edited", "issues.closed", "issues.reopened", "issues.assigned",
  "issues.unassigned", "issues.labeled", "issues.unlabeled", "issues.locked", "issues.unlocked", "issue_comment.created",
  "issue_comment.edited", "issue_comment.deleted", "pull_request.opened", "pull_request.edited", "pull_request.synchronize",
  "pull_request.closed", "pull_request.reopened", "release.created", "release.published", "release.released",
  "release.prereleased", "release.edited", "release.deleted", "repository.renamed", "repository.archived", "repository.unarchived",
  "repository.privatized", "repository.publicized", "star.created", "star.deleted", "watch.started", "label.created",
  "issues.deleted", "issues.transferred", "meta.deleted",
];

async function doEverything(place) {
  const { rest } = ada;
  const page = await browser("ada-codes");
  const base = () => `/${place.owner}/${place.repo}`;
  const { data: issue } = await rest.issues.create({ ...place, title: "First 🎉", body: "Text" });
  const at = { ...place, issue_number: issue.number };
  await rest.issues.update({ ...at, title: "First, edited", body: "More" });
  await rest.issues.addLabels({ ...at, labels: ["bug"] });
  await rest.issues.removeLabel({ ...at, name: "bug" });
  await rest.issues.addAssignees({ ...at, assignees: ["ada-codes"] });
  await rest.issues.removeAssignees({ ...at, assignees: ["ada-codes"] });
  const { data: comment } = await rest.issues.createComment({ ...at, body: "Said" });
  await rest.issues.updateComment({ ...place, comment_id: comment.id, body: "Said better" });
  await rest.issues.deleteComment({ ...place, comment_id: comment.id });
  await rest.issues.lock({ ...at, lock_reason: "resolved" });
  await rest.issues.unlock(at);
  await rest.issues.update({ ...at, state: "closed" });
  await rest.issues.update({ ...at, state: "open" });

  await page(`${base()}/push`, { branch: "topic", messages: "One\nTwo" });
  const { data: pull } = await rest.pulls.create({ ...place, title: "Topic", head: "topic", base: "main" });
  const there = { ...place, pull_number: pull.number };
  await rest.pulls.update({ ...there, title: "The topic" });
  await rest.pulls.update({ ...there, state: "closed" });
  await rest.pulls.update({ ...there, state: "open" });
  await page(`${base()}/push`, { branch: "topic", messages: "Three", force: "yes" });
  await rest.issues.createComment({ ...place, issue_number: pull.number, body: "On a pull request" });
  const { data: merged } = await rest.pulls.merge(there);
  assert.equal(merged.merged, true);
  await rest.git.deleteRef({ ...place, ref: "heads/topic" });

  const { data: release } = await rest.repos.createRelease({ ...place, tag_name: "v1", name: "One", body: "Notes" });
  await rest.repos.updateRelease({ ...place, release_id: release.id, body: "Better notes" });
  await rest.repos.createRelease({ ...place, tag_name: "v2-rc", name: "Soon", body: "", prerelease: true });
  await rest.repos.deleteRelease({ ...place, release_id: release.id });

  await rest.activity.starRepoForAuthenticatedUser(place);
  await rest.activity.unstarRepoForAuthenticatedUser(place);
  await rest.issues.createLabel({ ...place, name: "urgent", color: "ff0000" });
  for (const change of [{ private: true }, { private: false }, { archived: true }, { archived: false }]) {
    await rest.repos.update({ ...place, ...change });
  }
  const renamed = `${place.repo}-renamed`;
  await rest.repos.update({ ...place, name: renamed });
  place.repo = renamed;
  const { data: unwanted } = await rest.issues.create({ ...place, title: "Unwanted" });
  await page(`${base()}/issues/${unwanted.number}/delete`, {});
  const { data: elsewhere } = await rest.issues.create({ ...place, title: "For elsewhere" });
  await page(`${base()}/issues/${elsewhere.number}/transfer`, { to: "ada-codes/dotfiles" });
}

/** Sends a form as a person's browser would. */
async function browser(login) {
  return async (path, fields) => {
    const answer = await fetch(`${url}${path}`, {
      method: "POST",
      redirect: "manual",
      headers: { cookie: `github_sandbox_user=${login}` },
      body: new URLSearchParams(fields),
    });
    assert.equal(answer.status, 303, `${path}: ${answer.status} ${await answer.text()}`);
  };
}

async function startFormReceiver() {
  const webhooks = new Webhooks({ secret, log: quiet });
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString();
    const genuine = await webhooks.verify(raw, request.headers["x-hub-signature-256"]);
    assert.equal(request.headers["content-type"], "application/x-www-form-urlencoded");
    if (genuine) {
      const payload = JSON.parse(new URLSearchParams(raw).get("payload"));
      received.push({ id: request.headers["x-github-delivery"], name: request.headers["x-github-event"], payload });
    }
    response.writeHead(genuine ? 200 : 400).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.url = `http://127.0.0.1:${server.address().port}/`;
  return server;
}

test("two hooks hear one event under one GUID, and a redelivery keeps it", async () => {
  received.length = 0;
  const place = { owner: "ada-codes", repo: "kata-001" };
  const config = { content_type: "json", secret };
  const hooks = [];
  for (const query of ["?one", "?two"]) {
    const { data } = await ada.rest.repos.createWebhook({
      ...place, events: ["issues"], config: { ...config, url: receiver.url + query },
    });
    hooks.push(data);
  }
  await ada.rest.issues.create({ ...place, title: "Heard twice" });
  await until("both", () => received.filter((event) => event.name === "issues").length === 2);
  const ids = received.filter((event) => event.name === "issues").map((event) => event.id);
  assert.equal(new Set(ids).size, 1);

  const at = { ...place, hook_id: hooks[0].id };
  const { data: rows } = await until("the record", async () => {
    const answer = await ada.rest.repos.listWebhookDeliveries(at);
    return answer.data.length === 2 && answer;
  });
  const row = rows.find((it) => it.event === "issues");
  assert.deepEqual([row.guid, row.status_code, row.redelivery], [ids[0], 200, false]);
  const { data: full } = await ada.rest.repos.getWebhookDelivery({ ...at, delivery_id: row.id });
  assert.equal(full.request.payload.issue.title, "Heard twice");
  assert.match(full.request.headers["X-Hub-Signature-256"], /^sha256=[0-9a-f]{64}$/);

  assert.equal((await ada.rest.repos.redeliverWebhookDelivery({ ...at, delivery_id: row.id })).status, 202);
  await until("the redelivery", () => received.filter((event) => event.id === ids[0]).length === 3);
  for (const hook of hooks) await ada.rest.repos.deleteWebhook({ ...place, hook_id: hook.id });
});

test("a forged delivery is refused by the published receiver", async () => {
  received.length = 0;
  const place = { owner: "ada-codes", repo: "kata-002" };
  const { data: hook } = await ada.rest.repos.createWebhook({
    ...place, events: ["issues"], config: { url: receiver.url, content_type: "json", secret },
  });
  await arrival("ping");
  await control("/deliveries", { effect: "wrong_signature", hook: hook.id });
  await ada.rest.issues.create({ ...place, title: "Forged" });
  const row = await until("the record", async () => {
    const { data } = await ada.rest.repos.listWebhookDeliveries({ ...place, hook_id: hook.id });
    return data.find((it) => it.event === "issues");
  });
  assert.equal(row.status_code, 400);
  assert.ok(!received.some((event) => event.name === "issues"));
});
