// Flowdock's published clients, unmodified, against the sandbox: its client for Node, its adapter for Hubot; and the
// libraries with which an application of today would sign people in and check actions.
// Start the sandbox, then: SANDBOX_URL=http://127.0.0.1:4567/flowdock node --test

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import jwt from "jsonwebtoken";
import OAuth2Strategy from "passport-oauth2";

const url = process.env.SANDBOX_URL;
assert.ok(url, "SANDBOX_URL names the sandbox, for example http://127.0.0.1:4567/flowdock");
// Read when the client is loaded, and when a stream is opened. The client replaces whatever path the first has, so
// this one is the top of the host; the sandbox's example answers there too.
process.env.FLOWDOCK_API_URL = new URL(url).origin;
process.env.FLOWDOCK_STREAM_URL = `${url}/stream/flows`;

const require = createRequire(import.meta.url);
const { Session } = require("flowdock");

const control = async (path, body, method = body ? "POST" : "GET") => {
  const answer = await fetch(`${url}/_sandbox${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

const until = async (what, done) => {
  for (const start = Date.now(); Date.now() - start < 8000; ) {
    const found = await done();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`waited too long for ${what}`);
};

let overview, app, ada, bob, main;

before(async () => {
  await control("/reset", {});
  overview = await control("/");
  app = overview.applications[0];
  main = overview.flows.find((flow) => flow.path === "acme/main");
  ada = quiet(new Session("ada@example.com", "patchbay"));
  bob = quiet(new Session(person("bob").token));
});

after(() => control("/reset", {}));

const person = (nick) => overview.users.find((user) => user.nick === nick);

/** Errors are events too, and an unheard one ends the process. */
const quiet = (session) => session.on("error", () => {});

/** A call of the client, as a promise of body and response. */
const ask = (session, method, ...rest) =>
  new Promise((resolve, reject) =>
    session[method](...rest, (error, body, response) => (error ? reject(error) : resolve({ body, response }))),
  );

/** The client of 2015 takes its own ears off before it hangs up, and Node of today says that it did. */
const hangUp = (stream) => {
  const { request } = stream;
  stream.end();
  request.on("error", () => {});
};

// --- npm: flowdock --------------------------------------------------------------------------------------------

test("flowdock: flows with their users, and who I am", async () => {
  const { body: flows, response } = await ask(ada, "flows");
  assert.equal(response.headers["flowdock-user"], String(person("ada").id));
  assert.deepEqual(flows.map((flow) => flow.name), ["Main", "Product"]);
  assert.ok(flows[0].users.every((user) => user.in_flow && user.nick));
});

test("flowdock: messages, threads, comments, statuses, private messages, editing", async () => {
  const { body: said, response } = await ask(ada, "message", main.id, "Hello from Node", ["greeting"]);
  assert.equal(response.statusCode, 201);
  assert.deepEqual([said.event, said.content, said.tags], ["message", "Hello from Node", ["greeting"]]);

  const { body: reply } = await ask(bob, "threadMessage", main.id, said.thread_id, "Hello back", []);
  assert.equal(reply.thread_id, said.thread_id);
  const { body: comment } = await ask(bob, "comment", main.id, said.id, "A comment", []);
  assert.deepEqual(comment.content, { title: "Hello from Node", text: "A comment" });
  assert.equal((await ask(ada, "status", main.id, "At lunch")).body.event, "status");
  const { body: whisper } = await ask(ada, "privateMessage", person("bob").id, "Psst", []);
  assert.equal(whisper.to, String(person("bob").id));
  const { body: edited } = await ask(ada, "editMessage", "main", "acme", said.id, { content: "Hello, edited" });
  assert.deepEqual(edited, {});
  const { body: read } = await ask(bob, "get", `/flows/acme/main/messages/${said.id}`, {});
  assert.equal(read.content, "Hello, edited");
  const { response: invited } = await ask(ada, "invite", "main", "acme", "new@example.com", "Come");
  assert.equal(invited.statusCode, 201);
  await assert.rejects(ask(bob, "editMessage", "main", "acme", said.id, { content: "Mine" }), /status 403/);
});

test("flowdock: deleting, and what is refused", async () => {
  const { body: said } = await ask(ada, "message", main.id, "Oops", []);
  await assert.rejects(ask(bob, "delete", `/flows/acme/main/messages/${said.id}`), /status 403/);
  assert.equal((await ask(ada, "delete", `/flows/acme/main/messages/${said.id}`)).response.statusCode, 200);
  await assert.rejects(ask(ada, "message", main.id, "", []), /status 400/);
  await assert.rejects(ask(quiet(new Session("nobody")), "flows"), /status 401/);
});

test("flowdock: the stream brings messages of people and of applications", async () => {
  const source = await control("/sources", { user: "ada", flow: "acme/main", name: "From Node" });
  const stream = bob.stream([main.id], { active: "idle", user: 1 });
  const heard = [];
  stream.on("message", (message) => heard.push(message));
  await once(stream, "connected");

  await ask(ada, "message", main.id, "Is this thing on?", []);
  const posted = await ask(quiet(new Session("")), "send", "/messages", {
    flow_token: source.flow_token,
    event: "activity",
    title: "opened issue",
    author: { name: "Octo" },
    external_thread_id: "node:1",
    thread: { title: "Streamed", status: { value: "open", color: "green" } },
  });
  assert.equal(posted.response.statusCode, 202);
  assert.deepEqual(posted.body, {});
  await until("both", () => heard.length >= 2);
  assert.deepEqual(heard.map((message) => message.event), ["message", "activity"]);
  assert.equal(heard[1].thread.title, "Streamed");
  hangUp(stream);
});

// --- npm: hubot-flowdock --------------------------------------------------------------------------------------

test("hubot-flowdock: a robot hears its name in a thread and answers there", async () => {
  process.env.HUBOT_FLOWDOCK_API_TOKEN = person("grace").token;
  process.env.HUBOT_LOG_LEVEL = "alert";
  require("coffee-script"); // from now on Node reads what Hubot is written in
  const { Robot } = require("hubot");
  const robot = new Robot(null, "flowdock", false, "grace");
  robot.respond(/ping/, (response) => response.send("PONG"));
  robot.run();
  await until("the robot's stream", () => robot.adapter.stream?.request?.response);

  const { body: said } = await ask(ada, "message", main.id, "@grace ping", []);
  const answer = await until("the answer", async () => {
    const { body } = await ask(ada, "get", `/flows/acme/main/threads/${said.thread_id}/messages`, {});
    return body.find((message) => message.content === "PONG");
  });
  assert.equal(answer.user, String(person("grace").id));
  hangUp(robot.adapter.stream);
  robot.shutdown();
});

// --- what an application would use today ----------------------------------------------------------------------

test("passport-oauth2: consent, code, token and refresh", async () => {
  const strategy = new OAuth2Strategy(
    {
      authorizationURL: `${url}/oauth/authorize`,
      tokenURL: `${url}/oauth/token`,
      clientID: app.client_id,
      clientSecret: app.client_secret,
      callbackURL: app.redirect_uri,
      scope: ["profile", "integration", "offline_access"],
      customHeaders: { Accept: "application/json" },
    },
    (access, refresh, parameters, profile, done) => done(null, { access, refresh, parameters }),
  );
  const authenticate = (query) =>
    new Promise((resolve, reject) => {
      const attempt = Object.create(strategy);
      Object.assign(attempt, { redirect: resolve, success: resolve, error: reject, fail: reject });
      attempt.authenticate({ query, headers: {}, connection: {} }, {});
    });

  const address = await authenticate({});
  const { redirect } = await control("/authorize", { user: "bob", url: address });
  const user = await authenticate(Object.fromEntries(new URL(redirect).searchParams));
  assert.equal(user.parameters.scope, "profile,integration,offline_access");
  const me = await fetch(`${url}/user`, { headers: { authorization: `Bearer ${user.access}` } });
  assert.equal((await me.json()).nick, "bob");
  const refreshed = await new Promise((resolve, reject) =>
    strategy._oauth2.getOAuthAccessToken(user.refresh, { grant_type: "refresh_token" }, (error, access, refresh) =>
      error ? reject(error) : resolve({ access, refresh }),
    ),
  );
  assert.notEqual(refreshed.refresh, user.refresh);
});

test("jsonwebtoken: an action is genuine, bound to its body, and short-lived", async () => {
  const received = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ token: request.headers["flowdock-token"], body: Buffer.concat(chunks) });
    response.writeHead(200).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const target = `http://127.0.0.1:${server.address().port}/close`;
  const source = await control("/sources", { user: "ada", flow: "acme/main", name: "Acting" });
  const posted = await fetch(`${url}/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "X-flowdock-wait-for-message": "true" },
    body: JSON.stringify({
      flow_token: source.flow_token,
      event: "activity",
      title: "opened",
      author: { name: "Octo" },
      external_thread_id: "acting:1",
      thread: {
        title: "Acting",
        actions: [
          { "@type": "UpdateAction", name: "Close", target: { "@type": "EntryPoint", urlTemplate: target, httpMethod: "POST" } },
        ],
      },
    }),
  });
  const { thread_id: thread, thread: shown } = await posted.json();
  assert.ok(!JSON.stringify(shown).includes(target));

  await ask(bob, "post", new URL(shown.actions[0].target.urlTemplate).pathname, {});
  const claims = jwt.verify(received[0].token, app.client_secret, { algorithms: ["HS256"] });
  assert.equal(claims.sub, String(person("bob").id));
  assert.equal(claims.signature, createHash("sha256").update(received[0].body).digest("hex"));
  assert.equal(JSON.parse(received[0].body).agent.name, "Bob Builds");
  await control("/forgeries", { forgery: "expired" });
  await control("/actions", { user: "bob", thread, name: "Close" });
  assert.throws(() => jwt.verify(received[1].token, app.client_secret), /jwt expired/);
  await control("/forgeries", { forgery: "wrong_secret" });
  await control("/actions", { user: "bob", thread, name: "Close" });
  assert.throws(() => jwt.verify(received[2].token, app.client_secret), /invalid signature/);
  server.close();
});
