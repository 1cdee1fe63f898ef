"use strict";
// Requests that both the host alone and bascule invoke are compared by, and the bundles they are for.
const object = { identity: "1", key: { simple: { id: "1" } } };
const everyRequests = [
	["std:test-connection", {}],
	["std:spec:read", {}],
	["std:config-options:read", { key: "region" }],
	["std:account:list", {}],
	["std:account:list", { stateful: true, state: { cursor: "41" }, schema: { attributes: [] } }],
	["std:account:read", object],
	["std:account:create", { identity: null, attributes: { id: "9", many: "one" } }],
	["std:account:update", { ...object, changes: [{ op: "Set", attribute: "name", value: null }] }],
	["std:account:update", { ...object, changes: [] }],
	["std:account:delete", object],
	["std:account:enable", object],
	["std:account:disable", object],
	["std:account:unlock", object],
	["std:account:discover-schema", {}],
	["std:entitlement:list", { type: "group" }],
	["std:entitlement:read", { ...object, type: "group" }],
	["std:authenticate", { username: "u", password: "p" }],
	["std:change-password", { ...object, password: "p" }],
	["std:source-data:discover", { queryInput: { query: "q" } }],
	["std:source-data:read", { sourceDataKey: "k" }],
	["std:application-discovery:list", {}],
	["std:agent:list", { datasetIds: ["a", "b"] }],
	["std:machine-identity:list", { datasetIds: ["a"] }],
	["std:resource:list", { datasetIds: [] }],
	...["discover", "read", "create", "update", "status-update", "delete", "verify", "replace"].map((name) =>
	    [`std:ssf-stream:${name}`, { stream: { iss: "https://a.example", events_requested: [name] } }]),
	["own:values", {}],
	["own:echo", { any: ["thing", 1.50, "\u{1f98c}"] }],
];

// bundle, config, requests
const compared = [
	["hello", { token: "t0ken" }, [["std:test-connection", {}], ["std:account:list", {}],
	    ["std:account:read", { ...object, identity: "john.doe" }], ["std:spec:read", {}]]],
	["every", {}, everyRequests],
	["customized", { suffix: "-x" }, [["std:account:list", { a: 1 }], ["std:account:read", { ...object, identity: "7" }]]],
	["modconfig", { prefix: "p" }, [["std:test-connection", {}]]],
];

module.exports = { compared };
