"use strict";
// A customizer alone, as it is linked to a source whose connector is somebody else's.
const { createConnectorCustomizer, readConfig, logger } = require("@sailpoint/connector-sdk");

const customizer = createConnectorCustomizer()
	.beforeStdAccountRead(async (context, input) => {
		logger.info("linked customizer");
		return { ...input, identity: `${input.identity}!` };
	})
	.afterStdAccountRead(async (context, output) => ({ ...output, linked: (await readConfig()).suffix }));

// Later SDKs have a method for it.
if (typeof customizer.customizedOperation !== "function")
	customizer.customizedOperationHandlers = new Map([["double", async (context, input) => ({ doubled: input.n * 2, by: context.commandType })]]);

module.exports.connectorCustomizer = customizer;
