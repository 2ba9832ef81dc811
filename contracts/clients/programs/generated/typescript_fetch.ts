// openapi-generator's `typescript-fetch`: from a connection to a finished run, and typed refusals.
import {
  Configuration, ConnectionsApi, FlowsApi, PatchInstructionOpEnum, RefusalFromJSON, ResponseError, RunsApi,
  SourceConnectionsApi, TargetConnectionsApi,
} from './client/index';
import type { Refusal, ServiceError } from './client/index';

declare const process: { argv: string[]; exitCode: number };
const [, , base, token] = process.argv;
const headers: Record<string, string> = {
  'x-api-key': 'client', 'x-gw-ims-org-id': '5C1328435BF324E90A49402A@AdobeOrg', 'x-sandbox-name': 'prod',
};
const configuration = new Configuration({
  basePath: base, accessToken: token, apiKey: (name) => headers[name] ?? '',
});
const connections = new ConnectionsApi(configuration);
const sources = new SourceConnectionsApi(configuration);
const targets = new TargetConnectionsApi(configuration);
const flows = new FlowsApi(configuration);
const runs = new RunsApi(configuration);

function check(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(what);
}
async function refusal(call: Promise<unknown>): Promise<Refusal & { status?: number }> {
  try {
    await call;
  } catch (problem) {
    if (problem instanceof ResponseError) return RefusalFromJSON(await problem.response.json());
    throw problem;
  }
  throw new Error('taken, and should not have been');
}

const POSTGRESQL = '74a1c565-4e59-48d7-9d67-7c03b8a13137';
const params = {
  server: 'db.example.com', port: '5432', database: 'shop', username: 'reader', password: 'a-password', sslMode: 'Allow',
};
async function journey(): Promise<void> {
  const made: string[] = [];
  for (const name of ['Shop database', 'Archive', 'Warehouse']) {
    const receipt = await connections.createConnection({
      createConnectionRequest: {
        name, connectionSpec: { id: POSTGRESQL, version: '1.0' }, auth: { specName: 'Basic Authentication', params },
      },
    });
    made.push(receipt.id);
  }
  const first = made[0]!;
  const found = (await connections.retrieveConnection({ bASECONNECTIONID: first })).items[0]!;
  check(found.name === 'Shop database' && found.createdAt > 1_700_000_000_000, 'look-up');
  check((await connections.listConnections({ property: ['name==Archive'] })).items?.length === 1, 'filter');
  check((await connections.listConnections({ count: true })).count === 3, 'count');
  const names: (string | undefined)[] = [];
  for (let continuationToken: string | undefined, more = true; more; more = continuationToken !== undefined) {
    const shown = await connections.listConnections({ limit: 2, continuationToken });
    names.push(...shown.items?.map((row) => row.name) ?? []);
    continuationToken = shown.links?.next?.href.match(/continuationToken=([^&]*)/)?.[1];
  }
  check(names.sort().join() === 'Archive,Shop database,Warehouse', 'pages');

  const patchInstruction = [{ op: PatchInstructionOpEnum.Replace, path: '/name', value: 'Database of the shop' }];
  await connections.patchConnection({ bASECONNECTIONID: first, ifMatch: found.etag, patchInstruction });
  check((await connections.testConnection({ bASECONNECTIONID: first })).result, 'test');
  const root = await connections.getByConnectionId({ bASECONNECTIONID: first, objectType: 'root' });
  const table = (root as { path: string }[])[0]!.path;

  const stale = await refusal(connections.patchConnection({ bASECONNECTIONID: first, ifMatch: found.etag, patchInstruction }));
  check('report' in stale && (stale as ServiceError).title === 'Version not matching', 'typed 412');
  const incomplete = await refusal(connections.createConnection({
    createConnectionRequest: { name: 'x', connectionSpec: { id: POSTGRESQL }, auth: {} },
  }));
  check('report' in incomplete && incomplete.report!.pointer!.startsWith('/auth'), 'typed 400');

  const source = await sources.createSourceConnection({
    createSourceConnectionRequest: {
      name: 'Customers', baseConnectionId: first, connectionSpec: { id: POSTGRESQL }, data: { format: 'tabular' },
      params: { tableName: table },
    },
  });
  const target = await targets.createTargetConnection({
    createTargetConnectionRequest: {
      name: 'Data set', connectionSpec: { id: 'c604ff05-7f1a-43c0-8e18-33bf874cb11c' },
      data: { schema: { id: 'https://ns.adobe.com/acme/schemas/1', version: '1' } },
      params: { dataSetId: '5f3c3cedb2805c194ff0b69a' },
    },
  });
  const flow = await flows.createFlow({
    createFlowRequest: {
      name: 'Customers once', flowSpec: { id: '14518937-270c-4525-bdec-c2ba7cce3860', version: '1.0' },
      sourceConnectionIds: [source.id], targetConnectionIds: [target.id],
      transformations: [{ name: 'Mapping', params: { mappingId: '0b09' } }],
      scheduleParams: { startTime: Math.floor(Date.now() / 1000), frequency: 'once' },
    },
  });
  check(Number((await flows.retrieveFlow({ fLOWID: flow.id })).items[0]!.scheduleParams?.startTime) > 1_700_000_000, 'start time');
  check((await runs.listFlowRuns({ property: [`flowId==${flow.id}`] })).items !== undefined, 'runs');
  await flows.deleteByFlow({ fLOWID: flow.id });
  await targets.deleteTargetConnection({ tARGETCONNECTIONID: target.id });
  await sources.deleteSourceConnection({ sOURCECONNECTIONID: source.id });
  for (const id of made) await connections.deleteConnection({ bASECONNECTIONID: id });
  check('errorMessage' in await refusal(connections.retrieveConnection({ bASECONNECTIONID: first })), 'typed 404');
}
journey().then(() => console.log('done'), (problem: unknown) => {
  console.error(problem);
  process.exitCode = 1;
});
