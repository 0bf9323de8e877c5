// A bare xmlrpc-c server with its own HTTP (Abyss): what pbxd's XML-RPC face is measured against.
// Usage: bare_abyss_server PORT [WORKERS]; 127.0.0.1 only, no login; system.whoami and queue.get (trivial) and
// call.list (100 rows), the same data and members as pbxd answers. Keep-alive without limit, a thread for each of at
// most WORKERS connections.
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

void addText(xmlrpc_env* env, xmlrpc_value* object, const char* name, const std::string& text) {
    xmlrpc_value* value = xmlrpc_string_new_lp(env, text.size(), text.data());
    xmlrpc_struct_set_value(env, object, name, value);
    xmlrpc_DECREF(value);
}

void addInt(xmlrpc_env* env, xmlrpc_value* object, const char* name, int number) {
    xmlrpc_value* value = xmlrpc_int_new(env, number);
    xmlrpc_struct_set_value(env, object, name, value);
    xmlrpc_DECREF(value);
}

void addFlag(xmlrpc_env* env, xmlrpc_value* object, const char* name, bool flag) {
    xmlrpc_value* value = xmlrpc_bool_new(env, flag ? 1 : 0);
    xmlrpc_struct_set_value(env, object, name, value);
    xmlrpc_DECREF(value);
}

// The `id` of the one struct of named parameters.
std::string idOf(xmlrpc_env* env, xmlrpc_value* parameters) {
    char* text = nullptr;
    xmlrpc_decompose_value(env, parameters, "({s:s,*})", "id", &text);
    if (env->fault_occurred) return {};
    std::string id(text);
    std::free(text);
    return id;
}

xmlrpc_value* whoami(xmlrpc_env* env, xmlrpc_value*, void*, void*) {
    xmlrpc_value* operations = xmlrpc_array_new(env);
    for (const char* name : {"system.whoami", "queue.get", "call.list"}) {
        xmlrpc_value* operation = xmlrpc_string_new(env, name);
        xmlrpc_array_append_item(env, operations, operation);
        xmlrpc_DECREF(operation);
    }
    xmlrpc_value* departments = xmlrpc_array_new(env);
    xmlrpc_value* who = xmlrpc_struct_new(env);
    addText(env, who, "login", "viatalk-admin");
    addText(env, who, "role", "admin");
    addText(env, who, "tenant", "viatalk");
    xmlrpc_struct_set_value(env, who, "departments", departments);
    xmlrpc_DECREF(departments);
    addText(env, who, "via", "token:bench");
    xmlrpc_struct_set_value(env, who, "operations", operations);
    xmlrpc_DECREF(operations);
    return who;
}

xmlrpc_value* queueGet(xmlrpc_env* env, xmlrpc_value* parameters, void*, void*) {
    const auto name = idOf(env, parameters);
    if (env->fault_occurred) return nullptr;
    xmlrpc_value* queue = xmlrpc_struct_new(env);
    addText(env, queue, "id", "q-" + name);
    addText(env, queue, "name", name);
    addText(env, queue, "title", "Customer support & returns");
    addText(env, queue, "server", "a");
    addText(env, queue, "asterisk_name", "viatalk-" + name);
    addText(env, queue, "department", "care");
    addInt(env, queue, "wrapup_seconds", 10);
    addFlag(env, queue, "on_asterisk", true);
    addText(env, queue, "created_at", "2026-11-22T21:24:38Z");
    return queue;
}

xmlrpc_value* call(xmlrpc_env* env, int number) {
    xmlrpc_value* call = xmlrpc_struct_new(env);
    addText(env, call, "id", "a-1700000000." + std::to_string(number));
    addText(env, call, "server", "a");
    addText(env, call, "state", "talking");
    addText(env, call, "number", "+1 212 555 0" + std::to_string(100 + number));
    addText(env, call, "name", "Jos\xC3\xA9 & Sons");
    addText(env, call, "queue", "support");
    addText(env, call, "agent", "alice");
    addText(env, call, "started_at", "2026-11-22T21:24:38.000001Z");
    addText(env, call, "answered_at", "2026-11-22T21:24:48.000001Z");
    addInt(env, call, "duration_seconds", number);
    return call;
}

xmlrpc_value* callList(xmlrpc_env* env, xmlrpc_value*, void*, void*) {
    xmlrpc_value* items = xmlrpc_array_new(env);
    for (int i = 0; i < 100; ++i) {
        xmlrpc_value* row = call(env, i);
        xmlrpc_array_append_item(env, items, row);
        xmlrpc_DECREF(row);
    }
    xmlrpc_value* page = xmlrpc_struct_new(env);
    xmlrpc_struct_set_value(env, page, "items", items);
    xmlrpc_DECREF(items);
    addText(env, page, "as_of", "2026-11-22T21:24:38Z");
    addFlag(env, page, "stale", false);
    return page;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bare_abyss_server PORT [WORKERS]\n");
        return 2;
    }
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_server_abyss_global_init(&env);
    xmlrpc_registry* registry = xmlrpc_registry_new(&env);
    const xmlrpc_method_info3 methods[] = {{"system.whoami", &whoami, nullptr, 0, nullptr, nullptr},
                                           {"queue.get", &queueGet, nullptr, 0, nullptr, nullptr},
                                           {"call.list", &callList, nullptr, 0, nullptr, nullptr}};
    for (const auto& method : methods) xmlrpc_registry_add_method3(&env, registry, &method);

    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
    xmlrpc_server_abyss_parms parms{};
    parms.registryP = registry;
    parms.sockaddr_p = reinterpret_cast<const sockaddr*>(&address);
    parms.sockaddrlen = sizeof address;
    parms.uri_path = "/RPC2";
    parms.keepalive_timeout = parms.timeout = 30;
    parms.keepalive_max_conn = 1'000'000'000;
    parms.max_conn = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 72;
    parms.max_conn_backlog = 1024;
    if (!env.fault_occurred) xmlrpc_server_abyss(&env, &parms, XMLRPC_APSIZE(max_conn_backlog));
    std::fprintf(stderr, "bare_abyss_server: %s\n", env.fault_occurred ? env.fault_string : "ended");
    return 1;
}
