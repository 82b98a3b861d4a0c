#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define DEEPEST 32

void text_bytes(Text *text, const char *bytes, size_t count)
{
    if (text->length + count + 1 > text->room) {
        size_t room = (text->length + count + 1) * 2;
        char *grown = text->failed ? NULL : realloc(text->data, room);
        if (!grown) {
            text->failed = 1;
            return;
        }
        text->data = grown;
        text->room = room;
    }
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
}

void text_put(Text *text, const char *plain)
{
    text_bytes(text, plain, strlen(plain));
}

void text_integer(Text *text, long long number)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", number);
    text_put(text, digits);
}

void text_real(Text *text, double number)
{
    char digits[40];
    snprintf(digits, sizeof digits, "%.17g", number);
    for (char *at = digits; *at; at++)
        if (*at == ',') /* the program may have set a locale */
            *at = '.';
    text_put(text, digits);
    if (!strpbrk(digits, ".e"))
        text_put(text, ".0");
}

static void text_escaped(Text *text, const char *bytes, size_t count)
{
    size_t plain = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", c);
        text_bytes(text, bytes + plain, i - plain);
        text_put(text, escape);
        plain = i + 1;
    }
    text_bytes(text, bytes + plain, count - plain);
}

void text_string(Text *text, const wchar_t *wide, unsigned int count)
{
    char some[256], *bytes = some;
    int size = count ? WideCharToMultiByte(CP_UTF8, 0, wide, (int)count, NULL, 0, NULL, NULL) : 0;
    if (size > (int)sizeof some && !(bytes = malloc((size_t)size))) {
        text->failed = 1;
        return;
    }
    if (size)
        WideCharToMultiByte(CP_UTF8, 0, wide, (int)count, bytes, size, NULL, NULL);
    text_put(text, "\"");
    text_escaped(text, bytes, (size_t)size);
    text_put(text, "\"");
    if (bytes != some)
        free(bytes);
}

void text_free(Text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

/* --- reading */

typedef struct Reader {
    char *at, *end;
    Json *fresh; /* the next unused node */
    Document *document;
} Reader;

static Json *read_value(Reader *reader, int depth);

static void skip_space(Reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at)
        reader->at++;
}

static int is_next(Reader *reader, char wanted)
{
    skip_space(reader);
    if (reader->at >= reader->end || *reader->at != wanted)
        return 0;
    reader->at++;
    return 1;
}

static int hex4(const char *at, unsigned int *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0)
            return 0;
        *unit = *unit * 16 + (unsigned int)digit;
    }
    return 1;
}

static char *put_utf8(char *to, unsigned int code)
{
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
    *to++ = (char)(leads[more] | (code >> (6 * more)));
    while (more--)
        *to++ = (char)(0x80 | ((code >> (6 * more)) & 0x3F));
    return to;
}

static int read_unicode(Reader *reader, char **to)
{
    unsigned int code, low;
    if (reader->end - reader->at < 4 || !hex4(reader->at, &code))
        return 0;
    reader->at += 4;
    if ((code & 0xFC00) == 0xD800 && reader->end - reader->at >= 6 && reader->at[0] == '\\' &&
        reader->at[1] == 'u' && hex4(reader->at + 2, &low) && (low & 0xFC00) == 0xDC00) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        reader->at += 6;
    }
    *to = put_utf8(*to, code);
    return 1;
}

/* After the opening quote; what it stands for is never longer than how it is written. */
static int read_string(Reader *reader, const char **string, size_t *length)
{
    char *from = reader->at, *to = from;
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    while (reader->at < reader->end && *reader->at != '"') {
        if (*reader->at != '\\') {
            *to++ = *reader->at++;
            continue;
        }
        if (++reader->at >= reader->end)
            return 0;
        char name = *reader->at++;
        const char *place = name ? strchr(names, name) : NULL;
        if (place)
            *to++ = meant[place - names];
        else if (name != 'u' || !read_unicode(reader, &to))
            return 0;
    }
    if (reader->at >= reader->end)
        return 0;
    reader->at++;
    *to = 0;
    *string = from;
    *length = (size_t)(to - from);
    return 1;
}

static int read_number(Reader *reader, Json *node)
{
    char *stop;
    node->integer = strtoll(reader->at, &stop, 10);
    node->kind = J_INTEGER;
    if (stop == reader->at)
        return 0;
    if (stop < reader->end && strchr(".eE", *stop) && *stop) {
        node->real = strtod(reader->at, &stop);
        node->kind = J_REAL;
    }
    reader->at = stop;
    return stop <= reader->end;
}

static int read_word(Reader *reader, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length))
        return 0;
    reader->at += length;
    return 1;
}

static int read_members(Reader *reader, Json *node, int depth)
{
    char close = node->kind == J_OBJECT ? '}' : ']';
    Json **place = &node->first;
    if (is_next(reader, close))
        return 1;
    do {
        const char *key = NULL;
        size_t length;
        if (node->kind == J_OBJECT && (!is_next(reader, '"') || !read_string(reader, &key, &length) || !is_next(reader, ':')))
            return 0;
        Json *child = read_value(reader, depth + 1);
        if (!child)
            return 0;
        child->key = key;
        *place = child;
        place = &child->next;
    } while (is_next(reader, ','));
    return is_next(reader, close);
}

static Json *read_value(Reader *reader, int depth)
{
    skip_space(reader);
    if (reader->at >= reader->end || depth > DEEPEST)
        return NULL;
    Json *node = reader->fresh++;
    node->owner = reader->document;
    int fine;
    switch (*reader->at) {
    case '"':
        reader->at++;
        node->kind = J_STRING;
        fine = read_string(reader, &node->string, &node->length);
        break;
    case '[':
    case '{':
        node->kind = *reader->at++ == '{' ? J_OBJECT : J_ARRAY;
        fine = read_members(reader, node, depth);
        break;
    case 'n':
        node->kind = J_NULL;
        fine = read_word(reader, "null");
        break;
    case 't':
        node->kind = J_TRUE;
        fine = read_word(reader, "true");
        break;
    case 'f':
        node->kind = J_FALSE;
        fine = read_word(reader, "false");
        break;
    default:
        fine = read_number(reader, node);
    }
    return fine ? node : NULL;
}

Document *json_parse(char *data, size_t length)
{
    size_t most = 2; /* a value begins the text, or follows one of these */
    for (size_t i = 0; i < length; i++)
        most += data[i] == ',' || data[i] == '[' || data[i] == '{';
    Document *document = malloc(sizeof *document);
    Json *nodes = calloc(most, sizeof *nodes);
    if (document && nodes) {
        data[length] = 0;
        document->data = data;
        document->nodes = nodes;
        document->references = 1;
        Reader reader = {data, data + length, nodes, document};
        Json *whole = read_value(&reader, 0);
        skip_space(&reader);
        if (whole && reader.at == reader.end)
            return document;
    }
    free(document);
    free(nodes);
    free(data);
    return NULL;
}

void json_keep(Document *document)
{
    InterlockedIncrement(&document->references);
}

void json_free(Document *document)
{
    if (!document || InterlockedDecrement(&document->references))
        return;
    free(document->data);
    free(document->nodes);
    free(document);
}

const Json *json_get(const Json *object, const char *key)
{
    if (!object || object->kind != J_OBJECT)
        return NULL;
    for (const Json *child = object->first; child; child = child->next)
        if (child->key && !strcmp(child->key, key))
            return child;
    return NULL;
}

long long json_integer(const Json *object, const char *key, long long otherwise)
{
    const Json *found = json_get(object, key);
    return found && found->kind == J_INTEGER ? found->integer : otherwise;
}
