//! What is refused, and how: the texts are a real 1.35.4's.

use serde_json::{Value, json};

use super::Api;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(start_paused = true)]
async fn paths_and_verbs() {
    let api = Api::new();
    // method, path, code, message (text answers: the text)
    let not_allowed = "the server does not allow this method on the requested resource";
    let no_resource = "the server could not find the requested resource";
    let cases = [
        ("GET", "/api/v1/foos", 404, no_resource),
        ("GET", "/apis/apps/v1/pods", 404, no_resource),
        ("GET", "/apis/foo/v1/foos", 404, "404 page not found\n"),
        ("GET", "/foo", 404, "404 page not found\n"),
        ("GET", "/api/v1/namespaces/default/pods/x/foo", 404, no_resource),
        ("PUT", "/api/v1/namespaces/default/pods", 405, not_allowed),
        ("POST", "/api/v1/namespaces/default/pods/x", 405, not_allowed),
        ("POST", "/api/v1/pods", 405, not_allowed),
        ("DELETE", "/api/v1/namespaces", 405, not_allowed),
        ("HEAD", "/api/v1/namespaces", 405, not_allowed),
        ("OPTIONS", "/api/v1/pods", 405, not_allowed),
        ("GET", "/api/v1/pods/x", 404, no_resource),
        ("GET", "/api/v1/namespaces/default/nodes", 404, no_resource),
        ("POST", "/api/v1/namespaces/default/namespaces", 404, no_resource),
        ("GET", "/api/v1/namespaces/default/pods/x", 404, "pods \"x\" not found"),
        ("GET", "/apis/apps/v1/namespaces/default/deployments/x", 404, "deployments.apps \"x\" not found"),
        ("GET", "/api/v1/pods?fieldSelector=spec.foo%3Dx", 400, "field label not supported: spec.foo"),
        ("GET", "/apis/batch/v1/jobs?fieldSelector=spec.foo%3Dx", 400, "field label \"spec.foo\" not supported for Job"),
        ("GET", "/api/v1/configmaps?limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            "GET",
            "/api/v1/configmaps?resourceVersion=abc",
            400,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
        ),
        ("GET", "/api/v1/configmaps?resourceVersion=99999", 504, "Timeout: Too large resource version: 99999, current: 1"),
        (
            "GET",
            "/api/v1/configmaps?resourceVersionMatch=Exact",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "GET",
            "/api/v1/configmaps?resourceVersionMatch=Foo&resourceVersion=1",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Foo\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
        ),
        (
            "GET",
            "/api/v1/configmaps?watch=true&sendInitialEvents=true",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/configmaps/x?propagationPolicy=Foo",
            422,
            "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Foo\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/configmaps/x?dryRun=Foo",
            422,
            "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Foo\"]: supported values: \"All\"",
        ),
    ];
    for (method, path, code, message) in cases {
        let answer = api.send(method, path, &[], "").await;
        let text = match serde_json::from_slice::<Value>(&answer.body) {
            Ok(value) => value["message"].as_str().unwrap_or("").to_owned(),
            Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
        };
        assert_eq!((answer.code, text.as_str()), (code, message), "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies() {
    let api = Api::new();
    api.config_map("taken").await;
    let post = |body: &'static str| (("POST", MAPS), ("application/json", body));
    let put = |body: &'static str| (("PUT", "/api/v1/namespaces/default/configmaps/taken"), ("application/json", body));
    let merge = |body: &'static str| (("PATCH", "/api/v1/namespaces/default/configmaps/taken"), ("application/merge-patch+json", body));
    let cases = [
        (
            post(r#"{"kind":"Foo","metadata":{"name":"x"}}"#),
            400,
            "Foo in version \"v1\" cannot be handled as a ConfigMap: no kind \"Foo\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\"",
        ),
        (
            post(r#"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"x"}}"#),
            400,
            "Deployment in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): unknown conversion",
        ),
        (
            post(r#"{"kind":"#),
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({\"kind\":)",
        ),
        (
            post(""),
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
        ),
        (
            post(r#"{"metadata":{"name":"x"},"data":{"a":1}}"#),
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            post(r#"{"metadata":{"name":"x","namespace":"other"}}"#),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (post(r#"{"metadata":{"name":"x","resourceVersion":"1"}}"#), 500, "resourceVersion should not be set on objects to be created"),
        (post(r#"{"metadata":{"name":"taken"}}"#), 409, "configmaps \"taken\" already exists"),
        (put(r#"{"metadata":{"name":"foo"}}"#), 400, "the name of the object (foo) does not match the name on the URL (taken)"),
        (put(r#"{"metadata":{}}"#), 400, "the name of the object (taken based on URL) was undeterminable: name must be provided"),
        (
            put(r#"{"metadata":{"name":"taken","resourceVersion":"1"}}"#),
            409,
            "Operation cannot be fulfilled on configmaps \"taken\": the object has been modified; please apply your changes to the latest version and try again",
        ),
        (merge("["), 400, "error decoding patch: unexpected end of JSON input"),
        (merge("\"x\""), 400, "error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (merge(r#"{"metadata":{"name":"foo"}}"#), 400, "the name of the object (foo) does not match the name on the URL (taken)"),
        (
            merge(r#"{"metadata":{"uid":"foo"}}"#),
            422,
            "ConfigMap \"taken\" is invalid: metadata.uid: Invalid value: \"foo\": field is immutable",
        ),
        (
            merge(r#"{"metadata":{"resourceVersion":"1"}}"#),
            409,
            "Operation cannot be fulfilled on configmaps \"taken\": the object has been modified; please apply your changes to the latest version and try again",
        ),
        (merge(r#"{"metadata":{"resourceVersion":"abc"}}"#), 500, "strconv.ParseUint: parsing \"abc\": invalid syntax"),
        (
            (
                ("PATCH", "/api/v1/namespaces/default/configmaps/taken"),
                ("application/json-patch+json", r#"[{"op":"remove","path":"/data/zz"}]"#),
            ),
            422,
            "the server rejected our request due to an error in our request",
        ),
        ((("PATCH", "/api/v1/namespaces/default/configmaps/taken"), ("application/json", "{}")), 415, "415: Unsupported Media Type"),
        (
            (("PATCH", "/api/v1/namespaces/default/configmaps/nope"), ("application/merge-patch+json", "{}")),
            404,
            "configmaps \"nope\" not found",
        ),
        (
            (("PATCH", "/api/v1/namespaces/default/configmaps/taken?force=true"), ("application/merge-patch+json", "{}")),
            422,
            "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch",
        ),
        (
            (("PATCH", "/api/v1/namespaces/default/configmaps/taken"), ("application/apply-patch+yaml", "{}")),
            422,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ),
        (
            (("POST", MAPS), ("text/foo", "{}")),
            415,
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        ),
        (
            (("POST", "/api/v1/namespaces/default/configmaps?dryRun=Foo"), ("application/json", r#"{"metadata":{"name":"x"}}"#)),
            422,
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Foo\"]: supported values: \"All\"",
        ),
        (
            (("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=Foo"), ("application/json", r#"{"metadata":{"name":"x"}}"#)),
            422,
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Foo\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
        ),
    ];
    for (((method, path), (media, body)), code, message) in cases {
        let answer = api.send(method, path, &[("content-type", media)], body).await;
        let text = answer.json()["message"].as_str().unwrap_or("").to_owned();
        assert_eq!((answer.code, text.as_str()), (code, message), "{method} {path} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_and_repeated_fields() {
    let api = Api::new();
    let body = r#"{"metadata":{"name":"x"},"spec":{"foo":1,"foo":2,"selector":{"matchLabels":{"a":"b"}},"template":{"bar":1,"metadata":{"labels":{"a":"b"}},
        "spec":{"containers":[{"name":"a","zork":1,"image":"x","image":"y"}]}}}}"#;
    let send = |mode: &'static str| {
        let api = &api;
        async move {
            let uri = format!("/apis/apps/v1/namespaces/default/deployments?dryRun=All&fieldValidation={mode}");
            api.send("POST", &uri, &[("content-type", "application/json")], body).await
        }
    };
    let strict = send("Strict").await;
    assert_eq!(strict.code, 400);
    assert_eq!(
        strict.json()["message"],
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.foo\", unknown field \"spec.template.bar\", unknown field \"spec.template.spec.containers[0].zork\", duplicate field \"spec.template.spec.containers[0].image\""
    );
    let warned = send("Warn").await;
    assert_eq!(warned.code, 201);
    assert_eq!(warned.warnings()[0], "299 - \"unknown field \\\"spec.foo\\\"\"");
    assert_eq!(warned.warnings().len(), 4);
    assert!(warned.json()["spec"].get("foo").is_none());
    let ignored = send("Ignore").await;
    assert_eq!((ignored.code, ignored.warnings().len()), (201, 0));
}

#[tokio::test(start_paused = true)]
async fn media_types_of_answers() {
    let api = Api::new();
    api.config_map("x").await;
    let ask = |accept: &'static str| {
        let api = &api;
        async move { api.send("GET", "/api/v1/namespaces/default/configmaps/x", &[("accept", accept)], "").await }
    };
    assert_eq!(ask("application/vnd.kubernetes.protobuf").await.code, 406);
    assert_eq!(ask("application/vnd.kubernetes.protobuf,application/json").await.json()["kind"], "ConfigMap");
    let yaml = ask("application/yaml").await;
    assert!(String::from_utf8_lossy(&yaml.body).contains("k: v"), "{yaml:?}");
    let partial = ask("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io").await.json();
    assert_eq!((&partial["kind"], &partial["metadata"]["name"], partial.get("data")), (&json!("PartialObjectMetadata"), &json!("x"), None));
}
