"use strict";
/*
 * bundle.js -- a folder with index.js, compiled before there is a request and run after.
 *
 * Its file is wrapped as Node wraps any CommonJS module.  Compiling runs nothing of it: what it does at module level,
 * such as reading its config, happens when run() is called.  V8's code for it may come from a cache, which was made
 * of these very bytes by a process that never saw a request; V8 refuses one of another source or another version.
 */
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const Module = require("module");

const MAIN = "index.js", SPEC = "connector-spec.json", SDK = "@sailpoint/connector-sdk";

/* import() in a bundle: as anywhere else, by the file it stands in. */
function importer(file) {
	const own = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
	const require = Module.createRequire(file);

	return own ?? ((name) => import(Module.isBuiltin(name) ? name : require.resolve(name)));
}

function explain(e, file) {
	if (e.code === "ENOENT")
		return new Error(`${file} is not there: a bundle is a folder with ${MAIN} and ${SPEC}`);
	if (e instanceof SyntaxError && /import statement|token 'export'|import\.meta/.test(e.message))
		return new Error(`${file} is an ES module: build the bundle as CommonJS (ncc and esbuild do by default)`);
	return e;
}

class Bundle {
	constructor(folder, cacheFile) {
		this.folder = path.resolve(folder);
		this.file = path.join(this.folder, MAIN);
		this.name = path.basename(this.folder);
		try {
			const source = fs.readFileSync(this.file, "utf8").replace(/^\ufeff/, "").replace(/^#!/, "//");

			this.script = new vm.Script(Module.wrap(source), {
				filename: this.file,
				cachedData: cacheFile === undefined ? undefined : fs.readFileSync(cacheFile),
				importModuleDynamically: importer(this.file),
			});
		} catch (e) {
			throw explain(e, this.file);
		}
	}

	/* connector-spec.json beside it; null where there is none, as with a customizer. */
	spec() {
		try {
			return JSON.parse(fs.readFileSync(path.join(this.folder, SPEC), "utf8"));
		} catch (e) {
			if (e.code === "ENOENT")
				return null;
			throw new Error(`${path.join(this.folder, SPEC)}: ${e.message}`);
		}
	}

	/*
	 * The per-request config scope of an SDK that lies beside the bundle in node_modules, or null.  An SDK that was
	 * built into the bundle keeps its scope to itself; it reads CONNECTOR_CONFIG, as it does on the platform.
	 */
	scope() {
		let sdk;

		try {
			sdk = Module.createRequire(this.file).resolve(SDK);
		} catch {
			return null;
		}
		const withConfig = Module.createRequire(this.file)(sdk)._withConfig;

		return typeof withConfig === "function" ? withConfig : null;
	}

	/* Its exports.  Code of the bundle runs from here on. */
	run() {
		const parent = new Module("host"), module = new Module(this.file, parent);
		const require = Module.createRequire(this.file);

		module.filename = this.file;
		module.paths = Module._nodeModulePaths(this.folder);
		Module._cache[this.file] = module;
		this.script.runInThisContext().call(module.exports, module.exports, require, module, this.file, this.folder);
		module.loaded = true;
		return module.exports;
	}

	/* V8's code for it: of what was compiled so far. */
	code() {
		return this.script.createCachedData();
	}
}

/* As the SDK's development server takes them: an object, or an (async) function that makes one. */
async function member(exported, name) {
	const value = exported?.[name];

	return typeof value === "function" ? await value() : value;
}

module.exports = Object.freeze({ Bundle, member });
