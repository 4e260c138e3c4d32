// One sign-in with MSAL.NET: `Client.dll FLOW USER`, the password in INTEROP_PASSWORD. The flow is password, devicecode,
// web, integrated, integrated-unnamed (nobody says who the user is), integrated-once or integrated-twice (and nothing
// after it). For another device and in the browser, `silentry-lab sign-in` is the user.
//
// Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the error as MSAL
// reports it, or the exception of a library below.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Identity.Client;

#pragma warning disable 618 // MSAL.NET has marked integrated sign-in and passwords obsolete.

public static class Client
{
    static readonly string[] Scopes = { Environment.GetEnvironmentVariable("SILENTRY_SCOPE") };
    static readonly string[] OtherApi = { "https://graph.microsoft.com/User.Read" };

    public static int Main(string[] arguments)
    {
        var app = PublicClientApplicationBuilder.Create(Environment.GetEnvironmentVariable("SILENTRY_CLIENT_ID"))
            .WithAuthority("https://login.microsoftonline.com/" + Environment.GetEnvironmentVariable("SILENTRY_TENANT"))
            .WithRedirectUri("http://localhost")
            .Build();
        Dictionary<string, object> answer;
        try
        {
            answer = SignIn(app, arguments[0], arguments[1]).GetAwaiter().GetResult();
        }
        catch (Exception error)
        {
            answer = Describe(error);
        }
        var msal = typeof(PublicClientApplication).Assembly.GetName().Version.ToString(3);
        answer["version"] = msal + ", .NET " + Environment.Version;
        Console.WriteLine(JsonSerializer.Serialize(answer));
        return 0;
    }

    static async Task<Dictionary<string, object>> SignIn(IPublicClientApplication app, string flow, string user)
    {
        if (flow == "integrated-once" || flow == "integrated-twice")
        {
            var only = await Integrated(app, user).ExecuteAsync(Patience());
            if (flow == "integrated-twice") only = await Integrated(app, user).ExecuteAsync(Patience());
            return new Dictionary<string, object> { ["user"] = only.Account.Username };
        }
        var first = await FirstToken(app, flow, user);
        var cached = await app.AcquireTokenSilent(Scopes, first.Account).ExecuteAsync();
        var fresh = await app.AcquireTokenSilent(Scopes, first.Account).WithForceRefresh(true).ExecuteAsync();
        var other = await app.AcquireTokenSilent(OtherApi, first.Account).ExecuteAsync();
        return new Dictionary<string, object>
        {
            ["user"] = first.Account.Username,
            ["cached"] = cached.AccessToken == first.AccessToken,
            ["refreshed"] = fresh.AccessToken != first.AccessToken,
            ["other_api"] = other.AccessToken != fresh.AccessToken && other.AccessToken != first.AccessToken,
        };
    }

    static Task<AuthenticationResult> FirstToken(IPublicClientApplication app, string flow, string user)
    {
        switch (flow)
        {
            case "integrated":
                return Integrated(app, user).ExecuteAsync(Patience());
            case "integrated-unnamed":
                return app.AcquireTokenByIntegratedWindowsAuth(Scopes).ExecuteAsync(Patience());
            case "devicecode":
                return app.AcquireTokenWithDeviceCode(Scopes, code => AtBrowser(user, "--code", code.UserCode))
                    .ExecuteAsync(Patience());
            case "web":
                var browser = new SystemWebViewOptions { OpenBrowserAsync = url => AtBrowser(user, url.AbsoluteUri) };
                return app.AcquireTokenInteractive(Scopes).WithSystemWebViewOptions(browser).ExecuteAsync(Patience());
            default:
                var password = Environment.GetEnvironmentVariable("INTEROP_PASSWORD");
                return app.AcquireTokenByUsernamePassword(Scopes, user, password).ExecuteAsync(Patience());
        }
    }

    static AcquireTokenByIntegratedWindowsAuthParameterBuilder Integrated(IPublicClientApplication app, string user)
    {
        return app.AcquireTokenByIntegratedWindowsAuth(Scopes).WithUsername(user);
    }

    // A server that answers a byte a second is given up on after 100 seconds, twice.
    static CancellationToken Patience()
    {
        return new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;
    }

    static Task AtBrowser(string user, params string[] words)
    {
        var start = new ProcessStartInfo("silentry-lab") { RedirectStandardOutput = true };
        foreach (var word in new[] { "sign-in", "--user", user }.Concat(words)) start.ArgumentList.Add(word);
        Process.Start(start);
        return Task.CompletedTask;
    }

    static Dictionary<string, object> Describe(Exception error)
    {
        var answer = new Dictionary<string, object>
        {
            ["exception"] = error.GetType().Name,
            ["description"] = error.Message,
        };
        var msal = error as MsalException;
        if (msal != null) answer["error"] = msal.ErrorCode;
        var service = error as MsalServiceException;
        if (service != null) answer["claims"] = !string.IsNullOrEmpty(service.Claims);
        return answer;
    }
}
