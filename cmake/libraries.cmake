# The libraries that the project stands on, all from Debian; static where Debian has an archive.
find_package(Threads REQUIRED)
set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS json)

# yaml-cpp's own CMake package names its shared library; the archive beside it is what we want.
find_library(YAML_CPP_ARCHIVE libyaml-cpp.a REQUIRED)
find_path(YAML_CPP_INCLUDE yaml-cpp/yaml.h REQUIRED)
add_library(reeve_yaml INTERFACE)
target_include_directories(reeve_yaml SYSTEM INTERFACE ${YAML_CPP_INCLUDE})
target_link_libraries(reeve_yaml INTERFACE ${YAML_CPP_ARCHIVE})

# The pkg-config files of RE2, libcap and zstd name shared libraries as well.
find_library(RE2_ARCHIVE libre2.a REQUIRED)
find_path(RE2_INCLUDE re2/re2.h REQUIRED)
add_library(reeve_re2 INTERFACE)
target_include_directories(reeve_re2 SYSTEM INTERFACE ${RE2_INCLUDE})
target_link_libraries(reeve_re2 INTERFACE ${RE2_ARCHIVE} Threads::Threads)

find_library(ZSTD_ARCHIVE libzstd.a REQUIRED)
find_path(ZSTD_INCLUDE zstd.h REQUIRED)
add_library(reeve_zstd INTERFACE)
target_include_directories(reeve_zstd SYSTEM INTERFACE ${ZSTD_INCLUDE})
target_link_libraries(reeve_zstd INTERFACE ${ZSTD_ARCHIVE})

find_library(CAP_ARCHIVE libcap.a REQUIRED)
find_path(CAP_INCLUDE sys/capability.h REQUIRED)
add_library(reeve_cap INTERFACE)
target_include_directories(reeve_cap SYSTEM INTERFACE ${CAP_INCLUDE})
target_link_libraries(reeve_cap INTERFACE ${CAP_ARCHIVE})

# spdlog and fmt are shared libraries in Debian; in one translation unit, header-only is smaller.
find_path(SPDLOG_INCLUDE spdlog/spdlog.h REQUIRED)
add_library(reeve_spdlog INTERFACE)
target_include_directories(reeve_spdlog SYSTEM INTERFACE ${SPDLOG_INCLUDE})
target_compile_definitions(reeve_spdlog INTERFACE SPDLOG_HEADER_ONLY SPDLOG_FMT_EXTERNAL
                                                  FMT_HEADER_ONLY)
target_link_libraries(reeve_spdlog INTERFACE Threads::Threads)

find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
add_library(reeve_cli11 INTERFACE)
target_include_directories(reeve_cli11 SYSTEM INTERFACE ${CLI11_INCLUDE})

add_library(reeve_asio INTERFACE)
target_link_libraries(reeve_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(reeve_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_SERIAL_PORT)

add_library(reeve_json INTERFACE)
target_link_libraries(reeve_json INTERFACE Boost::json)

if(REEVE_TESTS)
  find_package(GTest REQUIRED)
endif()
