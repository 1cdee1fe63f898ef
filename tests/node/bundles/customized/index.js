"use strict";
// A connector with its customizer beside it; both are factories.
const { createConnector, createConnectorCustomizer, readConfig, ConnectorError } = require("@sailpoint/connector-sdk");

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports.connector = async () => createConnector()
	.stdAccountList(async (context, input, res) => {
		for (let i = 0; i < 5; i++) {
			res.send({ identity: String(i), attributes: { id: String(i), asked: input.asked } });
			if (i === 2)
				res.keepAlive();
		}
		res.saveState({ last: 4 });
	})
	.stdAccountRead(async (context, input, res) => res.send({ identity: input.identity, attributes: { id: input.identity } }))
	.stdAccountCreate(async (context, input, res) => res.send({ identity: "new", attributes: input.attributes }))
	.command("own:operation", async (context, input, res) => res.send(await context.customizedOperation("double", input)));

module.exports.connectorCustomizer = async () => {
	const { suffix } = await readConfig();

	return createConnectorCustomizer()
		.beforeStdAccountList(async (context, input) => ({ ...input, asked: suffix }))
		.afterStdAccountRead(async (context, output) => {
			await later(2);
			return { ...output, attributes: { ...output.attributes, suffix } };
		})
		.beforeStdAccountCreate(async () => {
			throw new ConnectorError("no account may be made here", "notFound");
		});
};
