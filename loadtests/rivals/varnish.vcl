vcl 4.1;

backend shop {
    .host = "@{host}";
    .port = "@{port}";
}

sub vcl_recv {
    if (req.esi_level == 0) {
        set req.http.X-Choice = regsub(req.http.Cookie, "^(?:.*; )?@{cookie}=([0-9]+).*$", "\1");
        if (req.url == "/") {
            set req.url = "/esi.html";
        }
    } elsif (req.url == "/f/0/") {
        set req.url = req.url + regsub(req_top.http.X-Choice, "^(.).*$", "\1");
    } elsif (req.url == "/f/1/") {
        set req.url = req.url + regsub(req_top.http.X-Choice, "^.(.).*$", "\1");
    } elsif (req.url == "/f/2/") {
        set req.url = req.url + regsub(req_top.http.X-Choice, "^..(.).*$", "\1");
    } elsif (req.url == "/f/3/") {
        set req.url = req.url + regsub(req_top.http.X-Choice, "^...(.).*$", "\1");
    } elsif (req.url == "/f/4/") {
        set req.url = req.url + regsub(req_top.http.X-Choice, "^....(.).*$", "\1");
    }
    unset req.http.Cookie;
    return (hash);
}

sub vcl_backend_response {
    set beresp.do_gzip = true;
    set beresp.do_esi = bereq.url == "/esi.html";
}
