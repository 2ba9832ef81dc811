import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Lists connections with Java's HttpClient and a given token. */
public class WithHttpClient {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        String form = "grant_type=client_credentials&client_id=client&client_secret=a-secret&scope=openid";
        HttpRequest ask = HttpRequest.newBuilder(URI.create("https://ims-na1.adobelogin.com/ims/token/v3"))
            .header("Content-Type", "application/x-www-form-urlencoded").POST(BodyPublishers.ofString(form)).build();
        String issued = client.send(ask, BodyHandlers.ofString()).body();
        String token = issued.replaceAll(".*\"access_token\":\"([^\"]*)\".*", "$1");
        String address = "https://platform.adobe.io/data/foundation/flowservice/connections";
        HttpRequest list = HttpRequest.newBuilder(URI.create(address))
            .header("Authorization", "Bearer " + token)
            .header("x-api-key", "client")
            .header("x-gw-ims-org-id", "5C1328435BF324E90A49402A@AdobeOrg")
            .header("x-sandbox-name", "prod").build();
        System.out.println(client.send(list, BodyHandlers.ofString()).body());
    }
}
