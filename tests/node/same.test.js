"use strict";
// The host's records are those of the SDK's own development server, byte for byte, for the same bundle and request.
const { test, after } = require("node:test");
const assert = require("node:assert");
const { packed, beside, run, devServer, source, stopAll } = require("./kit.js");
const { compared } = require("./requests.js");

after(stopAll);

async function same(bundle, config, requests) {
	for (const [shape, folder, ofServer] of [["SDK inside", packed(bundle), config], ["SDK beside", beside(bundle), undefined]]) {
		const server = await devServer(folder, ofServer);

		for (const [type, input] of requests) {
			const request = { type, version: 7, config, input };
			const ours = await run(folder, request), theirs = await server(request);
			const what = `${bundle}, ${shape}, ${type}`;

			assert.strictEqual(ours.log.includes("Connector error"), false, `${what}: ${ours.log}`);
			assert.strictEqual(ours.verdict?.type, "end", what);
			assert.strictEqual(ours.status, 0, what);
			assert.strictEqual(theirs.status, 200, what);
			assert.ok(theirs.body.length > 0 || input.datasetIds?.length === 0, `${what}: the server gave something to compare with`);
			assert.strictEqual(ours.records, theirs.body, what);
		}
	}
}

for (const [bundle, config, requests] of compared)
	test(bundle, () => same(bundle, config, requests));

test("what a module keeps is gone with the process", async () => {
	for (let i = 0; i < 2; i++) {
		const r = await run(packed("modconfig"), { type: "std:account:list", config: { prefix: `p${i}` }, input: {} });

		assert.strictEqual(r.records, `{"data":{"identity":"p${i}-1","attributes":{"id":"1","calls":1,"seen":1}},"type":"output"}\n`);
	}
});

test("axios and fetch against a source of 5,000", async () => {
	const config = await source(5000);

	await same("scim", config, [["std:test-connection", {}], ["std:account:list", {}]]);
	await same("fetch", config, [["std:account:list", {}]]);
	const r = await run(packed("scim"), { type: "std:account:list", config, input: {} });

	assert.strictEqual(r.lines.length, 5001);
});

test("errors have the type and the words of what was thrown", async () => {
	const server = await devServer(beside("hello"));

	for (const [config, input, type, message] of [
		[{ token: "t" }, { identity: "nobody" }, "notFound", "no account nobody"],
		[{}, { identity: "john.doe" }, "generic", "token must be provided from config"],
	]) {
		const request = { type: "std:account:read", config, input };
		const theirs = await server(request);

		for (const folder of [beside("hello"), packed("hello")]) {
			const ours = await run(folder, request);

			assert.deepStrictEqual(ours.verdict, { data: { message, type }, type: "error" });
			assert.notStrictEqual(ours.status, 0);
			assert.strictEqual(ours.records, "");
		}
		assert.strictEqual(theirs.status, 500);
		assert.ok(theirs.body.startsWith(`${type} error: \n + `) && theirs.body.includes(message), theirs.body);
	}
});
