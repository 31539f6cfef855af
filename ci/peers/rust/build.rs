// SPDX-License-Identifier: Apache-2.0

fn main() -> std::io::Result<()> {
    tonic_prost_build::compile_protos("proto/chat/v1/chat.proto")
}
