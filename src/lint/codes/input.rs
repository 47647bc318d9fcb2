//! Codes ITL00xx: input that cannot be read, or that an API server would refuse or drop.

use super::{ISTIO_GATEWAY, KUBERNETES_NAMES};

super::codes! {
    of Input;
    INPUT_SYNTAX = "ITL0001" Error None;
        title: "a document that is not valid YAML or JSON, or not a Kubernetes object";
        why: "kubectl cannot read it either; after a syntax error, the rest of the file is skipped";
        fix: "correct the text at this position";
        doc: "https://yaml.org/spec/1.2.2/";
    INPUT_TYPE = "ITL0002" Error Some("IST0106");
        title: "a field of the wrong type";
        why: "the API server refuses the object, so none of it takes effect";
        fix: "write a value of the type that the field takes";
        doc: ISTIO_GATEWAY;
    UNKNOWN_FIELD = "ITL0003" Warning None;
        title: "a field that this kind does not have";
        why: "kubectl refuses it, or the API server drops it, and then the setting has no effect";
        fix: "correct the field's name or its indentation, or remove it";
        doc: ISTIO_GATEWAY;
    OBJECT_TWICE = "ITL0004" Warning None;
        title: "an object that occurs twice in the input";
        why: "when both are applied, the second replaces the first, whose settings are lost";
        fix: "rename or remove one of them";
        doc: KUBERNETES_NAMES;
    IGNORES_NOTHING = "ITL0005" Info None;
        title: "an ignore comment that matches no finding";
        why: "there is no finding of that code here any more, and the comment would hide a new one";
        fix: "remove the comment, or the code from the comment";
        doc: "https://istio.io/latest/docs/ops/diagnostic-tools/istioctl-analyze/";
}
