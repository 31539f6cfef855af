/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_FRAME_GUESS_H
#define INS_FRAME_GUESS_H

/* Do these bytes look like HTTP/2 frames, and who sent them? For connections seen from their middle. */
#include "lib/wire/h2_frame.h"

enum ins_role { INS_ROLE_UNKNOWN, INS_ROLE_CLIENT, INS_ROLE_SERVER };

struct ins_frame_guess {
    unsigned frames; /* valid ones in a row from the first byte; 0 when the first is not valid or,
                        after valid ones, another is not */
    unsigned data_frames;
    enum ins_role role; /* of the sender, where a header block or a frame type shows it */
};

/* True when the header keeps the rules of its type (RFC 9113 6): length, stream and flags. */
bool ins_frame_is_plausible(const struct sl_h2_frame_header *header);

/* bytes: a segment that may begin with a frame and end inside one. */
struct ins_frame_guess ins_frame_guess(struct sl_span bytes);

/* Who sends a block that holds these fields, as far as the static table and literals show it. block may
 * be cut. */
enum ins_role ins_header_block_role(struct sl_span block);

#endif
