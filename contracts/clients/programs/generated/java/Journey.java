// openapi-generator's `java`, library `native`: from a connection to a finished run, and typed refusals.
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ConnectionsApi;
import org.openapitools.client.api.FlowsApi;
import org.openapitools.client.api.RunsApi;
import org.openapitools.client.api.SourceConnectionsApi;
import org.openapitools.client.api.TargetConnectionsApi;
import org.openapitools.client.model.*;

public class Journey {
  interface Call { Object make() throws ApiException; }

  static void check(boolean fact, String what) {
    if (!fact) throw new AssertionError(what);
  }

  static ServiceError refused(ApiClient client, Call call) throws Exception {
    try {
      call.make();
    } catch (ApiException problem) {
      return client.getObjectMapper().readValue(problem.getResponseBody(), ServiceError.class);
    }
    throw new AssertionError("taken, and should not have been");
  }

  static CreateConnectionRequest connection(String name, Map<String, Object> params) {
    return new CreateConnectionRequest().name(name)
        .connectionSpec(new SpecInfo().id("74a1c565-4e59-48d7-9d67-7c03b8a13137").version("1.0"))
        .auth(new Auth().specName("Basic Authentication").params(params));
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    client.setRequestInterceptor(request -> request
        .header("Authorization", "Bearer " + arguments[1]).header("x-api-key", "client")
        .header("x-gw-ims-org-id", "5C1328435BF324E90A49402A@AdobeOrg").header("x-sandbox-name", "prod"));
    ConnectionsApi connections = new ConnectionsApi(client);

    Map<String, Object> params = Map.of("server", "db.example.com", "port", "5432", "database", "shop",
        "username", "reader", "password", "a-password", "sslMode", "Verify Full");
    List<String> made = new ArrayList<>();
    for (String name : List.of("Archive", "Shop database", "Warehouse")) {
      made.add(connections.createConnection(connection(name, params), null).getId());
    }
    String id = made.get(0);
    Connection found = connections.retrieveConnection(id).getItems().get(0);
    check(found.getCreatedAt() > 1_700_000_000_000L, "createdAt " + found.getCreatedAt());
    List<ConnectionMembers> named =
        connections.listConnections(List.of("name==Archive"), null, null, null, null).getItems();
    check(named.size() == 1 && named.get(0).getName().equals("Archive"), "filter");
    check(connections.listConnections(null, null, null, null, true).getCount() == 3, "count");

    List<String> names = new ArrayList<>();
    String token = null;
    do {
      ConnectionList page = connections.listConnections(null, 2, null, token, null);
      page.getItems().forEach(row -> names.add(row.getName()));
      PageLinksNext next = page.getLinks().getNext();
      token = next == null ? null : next.getHref().replaceAll(".*continuationToken=([^&]*).*", "$1");
    } while (token != null);
    check(names.stream().sorted().collect(Collectors.toList()).equals(List.of("Archive", "Shop database", "Warehouse")), "pages");

    List<PatchInstruction> rename = List.of(
        new PatchInstruction().op(PatchInstruction.OpEnum.REPLACE).path("/name").value("Database of the shop"));
    String before = found.getEtag();
    check(!connections.patchConnection(id, before, rename).getEtag().equals(before), "patch");
    check(connections.testConnection(id).getResult(), "test");
    Object root = connections.getByConnectionId(id, "root", null, null, null, null, null, null, null, null, null);
    ExploreItem table = client.getObjectMapper().convertValue(((List<?>) root).get(0), ExploreItem.class);

    check(refused(client, () -> connections.patchConnection(id, before, rename)).getTitle().equals("Version not matching"), "412");
    ServiceError incomplete = refused(client, () -> connections.createConnection(connection("x", Map.of()), null));
    check(incomplete.getReport().getPointer().startsWith("/auth/params"), "typed 400");

    SourceConnectionsApi sources = new SourceConnectionsApi(client);
    String source = sources.createSourceConnection(new CreateSourceConnectionRequest().name("Customers").baseConnectionId(id)
        .connectionSpec(new SpecInfo().id("74a1c565-4e59-48d7-9d67-7c03b8a13137"))
        .data(new SourceData().format("tabular")).params(new SourceParams().tableName(table.getPath())), null).getId();
    TargetConnectionsApi targets = new TargetConnectionsApi(client);
    String target = targets.createTargetConnection(new CreateTargetConnectionRequest().name("Data set")
        .connectionSpec(new SpecInfo().id("c604ff05-7f1a-43c0-8e18-33bf874cb11c"))
        .params(new TargetParams().dataSetId("5f3c3cedb2805c194ff0b69a")), null).getId();
    FlowsApi flows = new FlowsApi(client);
    String flow = flows.createFlow(new CreateFlowRequest().name("Customers once")
        .flowSpec(new FlowSpecInfo().id("14518937-270c-4525-bdec-c2ba7cce3860").version("1.0"))
        .sourceConnectionIds(List.of(source)).targetConnectionIds(List.of(target))
        .transformations(List.of(new Transformation().name("Mapping").params(new TransformationParams().mappingId("0b09"))))
        .scheduleParams(new ScheduleParams().startTime(new Seconds(System.currentTimeMillis() / 1000)).frequency("once")), null).getId();
    check(flows.retrieveFlow(flow).getItems().get(0).getScheduleParams().getStartTime().getLong() > 1_700_000_000L, "startTime");
    check(new RunsApi(client).listFlowRuns(List.of("flowId==" + flow), null, null, null, null).getItems() != null, "runs");
    flows.deleteByFlow(flow);
    targets.deleteTargetConnection(target);
    sources.deleteSourceConnection(source);
    for (String one : made) connections.deleteConnection(one);
    check(refused(client, () -> connections.retrieveConnection(id)).getErrorMessage() != null, "typed 404");
    System.out.println("done");
  }
}
