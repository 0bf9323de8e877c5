// The JSON face: POST /api/v1/<operation> with a JSON object, and the OpenAPI document that describes it.
// Threads: any. Throws nothing: every error is an answer in the form of the error table.
#pragma once

#include "ops/door.hpp"

#include <string>
#include <string_view>

namespace pbx::web {

// `body` may be empty for an operation without required fields.
ops::FaceOutcome handleJson(std::string_view operation, std::string_view body, ops::CallContext context,
                            ops::Door& door);

// {"error":{"code","message","field","retry","retry_after","request_id"}} with the table's HTTP status.
ops::FaceReply jsonError(const Error& error, std::string_view requestId);

// OpenAPI 3.1 of the whole catalogue; `publicUrl` without a slash at the end.
std::string openApiDocument(std::string_view publicUrl, std::string_view version);

} // namespace pbx::web
