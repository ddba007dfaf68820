using System.Buffers;
using System.Text.Json;

namespace RabbitArq.Messages;

/// <summary>
/// A buffer and a writer that are used again. A writer asks for 4 KiB as soon as its first buffer is full, which for a
/// message of some hundred bytes was half of what an enqueue allocated.
/// </summary>
internal sealed class JsonScratch : IDisposable
{
    /// <summary>A buffer that one large message has made large is not kept.</summary>
    private const int LargestKept = 64 * 1024;

    // One for each thread. Taken out while it is used, so that a user's converter may write another message meanwhile.
    [ThreadStatic]
    private static JsonScratch? _free;

    private readonly ArrayBufferWriter<byte> _buffer = new(8 * 1024);

    private JsonScratch() => Writer = new Utf8JsonWriter(_buffer, JobJson.WriterOptions);

    /// <summary>Writes behind what was written before.</summary>
    public Utf8JsonWriter Writer { get; }

    public static JsonScratch Take()
    {
        var scratch = _free ?? new JsonScratch();
        _free = null;
        return scratch;
    }

    /// <summary>Ends one JSON value, so that another may follow it.</summary>
    /// <returns>How many bytes there are so far.</returns>
    public int EndValue()
    {
        Writer.Flush();
        Writer.Reset();
        return _buffer.WrittenCount;
    }

    /// <summary>Everything written, in an array of its own.</summary>
    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    public void Dispose()
    {
        if (_buffer.Capacity <= LargestKept)
        {
            Writer.Reset();
            _buffer.ResetWrittenCount();
            _free = this;
        }
    }
}
