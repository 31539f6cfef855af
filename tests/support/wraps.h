/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_WRAPS_H
#define TEST_WRAPS_H

/*
 * Every link type and tunnel, as a recipe: what stands before an IP packet, from the outermost header
 * inwards.
 *
 * A recipe is words, each a header: "eth vlan:5 ipv4 udp:4789 vxlan:7 eth". The last must carry IP. Types,
 * protocols and lengths that depend on what follows are filled in.
 */
#include "lib/base/buf.h"

struct test_wrap {
    uint32_t link_type;
    const char *recipe;
};

/* All of them; ends with a NULL recipe. */
extern const struct test_wrap test_wraps[];

/* Appends the frame around an IP packet. Fails the test on an unknown word. */
void test_wrap(struct sl_buf *out, const char *recipe, struct sl_span packet);

#endif
