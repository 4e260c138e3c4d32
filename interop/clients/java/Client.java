import com.azure.json.JsonProviders;
import com.azure.json.JsonWriter;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IntegratedWindowsAuthenticationParameters;
import com.microsoft.aad.msal4j.InteractiveRequestParameters;
import com.microsoft.aad.msal4j.MsalException;
import com.microsoft.aad.msal4j.MsalInteractionRequiredException;
import com.microsoft.aad.msal4j.MsalServiceException;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SilentParameters;
import com.microsoft.aad.msal4j.SystemBrowserOptions;
import com.microsoft.aad.msal4j.UserNamePasswordParameters;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * One sign-in with MSAL Java: {@code Client password|integrated|devicecode|web USER}, the password in
 * INTEROP_PASSWORD. For another device and in the browser, {@code silentry-lab sign-in} is the user.
 *
 * <p>Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the error
 * as MSAL reports it.
 */
public final class Client {
  private static final Set<String> SCOPES = Set.of(System.getenv("SILENTRY_SCOPE"));
  private static final Set<String> OTHER_API = Set.of("https://graph.microsoft.com/User.Read");

  public static void main(String[] arguments) throws Exception {
    PublicClientApplication app =
        PublicClientApplication.builder(System.getenv("SILENTRY_CLIENT_ID"))
            .authority("https://login.microsoftonline.com/" + System.getenv("SILENTRY_TENANT"))
            .build();
    Map<String, Object> answer;
    try {
      answer = signIn(app, arguments[0], arguments[1]);
    } catch (ExecutionException error) {
      answer = describe(error.getCause());
    }
    answer.put("version", version());
    System.out.println(json(answer));
  }

  private static Map<String, Object> signIn(PublicClientApplication app, String flow, String user)
      throws Exception {
    IAuthenticationResult first = firstToken(app, flow, user).get();
    SilentParameters.SilentParametersBuilder silent = SilentParameters.builder(SCOPES, first.account());
    IAuthenticationResult cached = app.acquireTokenSilently(silent.build()).get();
    IAuthenticationResult fresh = app.acquireTokenSilently(silent.forceRefresh(true).build()).get();
    IAuthenticationResult other =
        app.acquireTokenSilently(SilentParameters.builder(OTHER_API, first.account()).build()).get();
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("user", first.account().username());
    answer.put("cached", cached.accessToken().equals(first.accessToken()));
    answer.put("refreshed", !fresh.accessToken().equals(first.accessToken()));
    answer.put("other_api", !other.accessToken().equals(fresh.accessToken()));
    return answer;
  }

  private static CompletableFuture<IAuthenticationResult> firstToken(
      PublicClientApplication app, String flow, String user) throws Exception {
    switch (flow) {
      case "integrated":
        return app.acquireToken(
            IntegratedWindowsAuthenticationParameters.builder(SCOPES, user).build());
      case "devicecode":
        return app.acquireToken(
            DeviceCodeFlowParameters.builder(
                    SCOPES, code -> atBrowser(user, "--code", code.userCode()))
                .build());
      case "web":
        SystemBrowserOptions browser =
            SystemBrowserOptions.builder()
                .openBrowserAction(url -> atBrowser(user, url.toString()))
                .build();
        return app.acquireToken(
            InteractiveRequestParameters.builder(new URI("http://localhost"))
                .scopes(SCOPES)
                .systemBrowserOptions(browser)
                .build());
      default:
        char[] password = System.getenv("INTEROP_PASSWORD").toCharArray();
        return app.acquireToken(
            UserNamePasswordParameters.builder(SCOPES, user, password).build());
    }
  }

  private static void atBrowser(String user, String... words) {
    List<String> command = new ArrayList<>(List.of("silentry-lab", "sign-in", "--user", user));
    command.addAll(List.of(words));
    try {
      new ProcessBuilder(command)
          .redirectOutput(Redirect.DISCARD)
          .redirectError(Redirect.INHERIT)
          .start();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static Map<String, Object> describe(Throwable error) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("exception", error.getClass().getSimpleName());
    answer.put("error", error instanceof MsalException ? ((MsalException) error).errorCode() : null);
    answer.put("description", error.getMessage());
    if (error instanceof MsalInteractionRequiredException) {
      answer.put("suberror", ((MsalInteractionRequiredException) error).reason().toString());
    }
    if (error instanceof MsalServiceException) {
      answer.put("claims", ((MsalServiceException) error).claims() != null);
    }
    return answer;
  }

  private static String version() {
    String msal = PublicClientApplication.class.getPackage().getImplementationVersion();
    return msal + ", Java " + System.getProperty("java.version");
  }

  private static String json(Map<String, Object> answer) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonWriter writer = JsonProviders.createWriter(text)) {
      writer.writeUntyped(answer);
    }
    return text.toString();
  }
}
