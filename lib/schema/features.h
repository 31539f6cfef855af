/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FEATURES_H
#define SL_FEATURES_H

/*
 * What google.protobuf.FeatureSet decides for us (protobuf.dev "Feature Settings for Editions").
 *
 * proto2, proto3 and the editions all become these, so that the rest of the code asks for a feature and
 * never for a syntax. An edition above 2023 is read as 2023.
 */
#include "lib/base/span.h"

enum sl_presence { SL_PRESENCE_EXPLICIT = 1, SL_PRESENCE_IMPLICIT = 2, SL_PRESENCE_REQUIRED = 3 };

struct sl_features {
    enum sl_presence presence;
    bool is_closed_enum, is_packed, is_utf8_checked, is_delimited;
};

/* The defaults of FileDescriptorProto.syntax: "proto3", "editions", anything else is proto2. */
struct sl_features sl_features_of_syntax(struct sl_span syntax);

/* features with what options say over it; number: that of `features` in these options. */
struct sl_features sl_features_override(struct sl_features features, struct sl_span options,
                                        uint32_t number);

#endif
