# Warnings, sanitizers, linking: what holds for every target of the project.
option(REEVE_TESTS "Build the tests" ON)
option(REEVE_BENCH "Build the benchmarks" OFF)
option(REEVE_FAULT_POINTS "Have reeved kill itself where REEVE_FAULT_AT says (base/fault_point.h); for tests" OFF)
set(REEVE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # GCC 12 warns of "text" + std::string (its bug 105651)
endif()
add_compile_definitions(_GNU_SOURCE)

if(REEVE_SANITIZE)
  add_compile_options(-fsanitize=${REEVE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${REEVE_SANITIZE})
  # What sanitizers put in between lets GCC 12 see uninitialised members in the standard library.
  add_compile_options(-Wno-maybe-uninitialized)
  if(REEVE_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # Asio uses atomic_thread_fence
  endif()
else()
  # A small program that starts quickly: no copy of the C++ run time to load, nothing unused.
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed)
endif()

# reeve_room(NAME SOURCES... LINKS...): a static library that is one room of the house.
function(reeve_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "SOURCES;LINKS")
  add_library(${name} STATIC ${room_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC reeve_base ${room_LINKS})
endfunction()
