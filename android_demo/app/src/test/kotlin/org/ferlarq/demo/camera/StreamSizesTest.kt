package org.ferlarq.demo.camera

import android.util.Size
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class StreamSizesTest {
    private val phone = listOf(
        Size(4000, 3000), Size(1920, 1080), Size(1440, 1080), Size(1280, 960), Size(1280, 720),
        Size(1024, 768), Size(800, 600), Size(640, 480), Size(320, 240),
    )

    @Test
    fun `frames are small and of the shape that every camera has`() {
        assertEquals(Size(640, 480), chooseFrameSize(phone))
        assertEquals(Size(1280, 720), chooseFrameSize(listOf(Size(1920, 1080), Size(1280, 720))))
        assertEquals(Size(640, 480), chooseFrameSize(emptyList()))
    }

    @Test
    fun `the preview has the pixels of the view, in the frames' shape`() {
        val frame = Size(640, 480)
        assertEquals(Size(1280, 960), choosePreviewSize(phone, frame, longer = 1080))
        assertEquals(Size(640, 480), choosePreviewSize(phone, frame, longer = 600))
        assertEquals("larger ones are not promised", Size(1440, 1080), choosePreviewSize(phone, frame, longer = 3000))
        assertEquals(frame, choosePreviewSize(listOf(Size(1920, 1080)), frame, longer = 1080))
    }
}
