// Previews a compiled program inline, without a language host:
// node run.js PROGRAM PROJECT PACK KEY=VALUE….
const path = require("path");
const { LocalWorkspace } = require("@pulumi/pulumi/automation");

const [program, projectName, pack, ...config] = process.argv.slice(2);

async function main() {
    const stack = await LocalWorkspace.createOrSelectStack({
        stackName: "dev",
        projectName,
        program: async () => require(path.resolve(program)),
    });
    for (const pair of config) {
        const [key, value] = pair.split("=");
        await stack.setConfig(key, { value });
    }
    const onOutput = (text) => process.stdout.write(text);
    await stack.preview({ policyPacks: [pack], color: "never", onOutput });
}

main().then(() => process.exit(0), (error) => {
    console.log(error.message);
    process.exit(1);
});
