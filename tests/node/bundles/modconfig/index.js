"use strict";
// Reads its config while the module is loaded; the connector is a plain object.
const { createConnector, readConfig } = require("@sailpoint/connector-sdk");

const config = readConfig();
let calls = 0;

module.exports.connector = createConnector()
	.stdTestConnection(async (context, input, res) => {
		await config;
		res.send({});
	})
	.stdAccountList(async (context, input, res) => {
		const { prefix } = await config;

		globalThis.seen = (globalThis.seen ?? 0) + 1;
		res.send({ identity: `${prefix}-${++calls}`, attributes: { id: "1", calls, seen: globalThis.seen } });
	});
