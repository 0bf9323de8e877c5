# Everything comes from Debian 12 packages; scripts/setup installs them.
find_package(Threads REQUIRED)
# Debian's PocoDataMySQL config names a target MySQL::client that no Debian package defines.
if(NOT TARGET MySQL::client)
  add_library(MySQL::client INTERFACE IMPORTED)
  target_link_libraries(MySQL::client INTERFACE mariadb)
endif()
find_package(Poco 1.11 REQUIRED COMPONENTS Foundation Net NetSSL Crypto Util JSON Data DataSQLite DataMySQL)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(GSOAP REQUIRED IMPORTED_TARGET gsoap++)
find_package(prometheus-cpp REQUIRED)
find_package(GTest REQUIRED)
